/** The time limits of one attempt to attach to a server. Pure. */

/** An attempt with less time would fail, so it is not started. */
export const MIN_ATTEMPT_MS = 50;

const MIN_SHARE_MS = 500;

export interface Share {
  /** Number of servers. */
  readonly hosts: number;
  /** The session timeout; milliseconds. */
  readonly timeoutMs: number;
  /** Number of rounds in which an attempt timed out: each doubles the time limit. */
  readonly slowRounds: number;
}

/**
 * Returns milliseconds. A server that never answers must not use up the time of the others, and an
 * attempt that hangs must not use up that of the next. Each slow round doubles the limit.
 */
export function attemptMs({ hosts, timeoutMs, slowRounds }: Share): number {
  const max = hosts === 1 ? timeoutMs : timeoutMs / 3;
  return Math.min(max, Math.max(MIN_SHARE_MS, timeoutMs / 10) * 2 ** slowRounds);
}
