/** The bounds of one attempt to attach to a server. Pure. */

/** An attempt with less time would only run out of it: it is not started. */
export const MIN_ATTEMPT_MS = 50;

const MIN_SHARE_MS = 500;

export interface Share {
  /** Number of servers. */
  readonly hosts: number;
  /** The session timeout; milliseconds. */
  readonly timeoutMs: number;
  /** Rounds so far in which an attempt ran out of time: each doubles the share. */
  readonly slowRounds: number;
}

/**
 * Milliseconds. A server that never answers must not use up the time of the others, nor an attempt
 * that hangs that of the next; where answers are slow, each round allows more.
 */
export function attemptMs({ hosts, timeoutMs, slowRounds }: Share): number {
  const max = hosts === 1 ? timeoutMs : timeoutMs / 3;
  return Math.min(max, Math.max(MIN_SHARE_MS, timeoutMs / 10) * 2 ** slowRounds);
}
