/**
 * The session timeout that a server grants, made into one that lockex counts by. Pure.
 *
 * A server raises a request to its `minSessionTimeout` and lowers it to its `maxSessionTimeout`
 * (`ZooKeeperServer.processConnectRequest`); by default these are 2 and 20 ticks. lockex counts by the
 * granted time, and by less where that is absurd: a lease that ends too early is safe, and pings come
 * more often. What the server does after that time can't be changed from here: lockex warns.
 */

/** Granted times up to this are the servers' ordinary business; milliseconds. */
const ALWAYS_PLAUSIBLE_MS = 60_000;
/** As many times the requested one is plausible, too. */
const PLAUSIBLE_FACTOR = 4;
/** Pings go out three times as often as that: below it there would be nothing but pings. */
const MIN_MS = 100;

export type GrantedTimeout =
  | { readonly kind: 'accepted'; readonly timeoutMs: number }
  | { readonly kind: 'limited'; readonly timeoutMs: number; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string };

/** Both in milliseconds. `granted` is 0 or less where there is no session: not asked here. */
export function judgeTimeout(grantedMs: number, requestedMs: number): GrantedTimeout {
  const [granted, requested] = [grantedMs / 1000, requestedMs / 1000];
  if (grantedMs < Math.min(MIN_MS, requestedMs)) {
    const message = `the server grants a session timeout of ${granted} s, which is too short to keep`;
    return { kind: 'refused', message };
  }
  const mostMs = Math.max(ALWAYS_PLAUSIBLE_MS, PLAUSIBLE_FACTOR * requestedMs);
  if (grantedMs <= mostMs) return { kind: 'accepted', timeoutMs: grantedMs };
  const message =
    `the server grants a session timeout of ${granted} s instead of ${requested} s (-T): lockex ` +
    `counts by ${mostMs / 1000} s, but after a crash of this host the lock stays taken for ` +
    `${granted} s; check minSessionTimeout`;
  return { kind: 'limited', timeoutMs: mostMs, message };
}
