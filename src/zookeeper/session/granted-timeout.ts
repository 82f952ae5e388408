/**
 * Checks the session timeout that a server grants. Pure.
 *
 * A server raises a request to its `minSessionTimeout` and lowers it to its `maxSessionTimeout`
 * (`ZooKeeperServer.processConnectRequest`); by default these are 2 and 20 ticks. lockex uses the
 * granted time, or a shorter one if that is implausible: a lease that ends too early is safe, and
 * pings are more frequent. The server's own timeout does not change, so lockex logs a warning.
 */

/** Granted times up to this one are normal; milliseconds. */
const ALWAYS_PLAUSIBLE_MS = 60_000;
/** So is this multiple of the requested one. */
const PLAUSIBLE_FACTOR = 4;
/** Pings are sent three times as often: below this limit, they would be too frequent. */
const MIN_MS = 100;

export type GrantedTimeout =
  | { readonly kind: 'accepted'; readonly timeoutMs: number }
  | { readonly kind: 'limited'; readonly timeoutMs: number; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string };

/**
 * Both in milliseconds. A granted time of 0 or less means that there is no session; it is not
 * checked here.
 */
export function judgeTimeout(grantedMs: number, requestedMs: number): GrantedTimeout {
  const [granted, requested] = [grantedMs / 1000, requestedMs / 1000];
  if (grantedMs < Math.min(MIN_MS, requestedMs)) {
    const message = `the server grants a session timeout of ${granted} s, too short for lockex`;
    return { kind: 'refused', message };
  }
  const maxMs = Math.max(ALWAYS_PLAUSIBLE_MS, PLAUSIBLE_FACTOR * requestedMs);
  if (grantedMs <= maxMs) return { kind: 'accepted', timeoutMs: grantedMs };
  const message =
    `the server grants a session timeout of ${granted} s instead of ${requested} s (-T): lockex ` +
    `uses ${maxMs / 1000} s, but after a crash of this host the lock is not released for ` +
    `${granted} s; check minSessionTimeout`;
  return { kind: 'limited', timeoutMs: maxMs, message };
}
