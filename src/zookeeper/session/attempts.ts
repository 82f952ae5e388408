/** How long one attempt to attach may take. Pure. */

/** An attempt with less time would only end as one that got no answer: it is not started. */
export const MIN_ATTEMPT_MS = 50;

const MIN_SHARE_MS = 500;

export interface Share {
  /** How many servers there are. */
  readonly hosts: number;
  /** The session timeout; milliseconds. */
  readonly timeoutMs: number;
  /** Rounds so far in which an attempt ran out of time: each doubles the share. */
  readonly slowRounds: number;
}

/**
 * Milliseconds. A server that never answers may not use up the time of the others, nor one attempt
 * that hangs that of the next; where answers are slow, each round allows more.
 */
export function attemptMs({ hosts, timeoutMs, slowRounds }: Share): number {
  const max = hosts === 1 ? timeoutMs : timeoutMs / 3;
  return Math.min(max, Math.max(MIN_SHARE_MS, timeoutMs / 10) * 2 ** slowRounds);
}
