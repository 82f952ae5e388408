/** How long one attempt to attach may take, and how long to wait for the next round. Pure. */

/** An attempt with less time would only end as one that got no answer: it is not started. */
export const MIN_ATTEMPT_MS = 50;

const MIN_SHARE_MS = 500;
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;

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

/** Milliseconds after the `round`th round, from 0; `random` is in [0, 1). */
export function pauseMs(round: number, timeoutMs: number, random: number): number {
  const max = Math.min(MAX_PAUSE_MS, timeoutMs / 12);
  return Math.min(max, MIN_PAUSE_MS * 2 ** round) * (0.5 + random / 2);
}
