/**
 * Chance, the wall clock and deferred calls of a real process: the defaults of options that a
 * simulation replaces. Nothing else below src/zookeeper/ may use the real ones (test/tidy), except
 * background-task.ts, which ends the process upon a defect, and session/sockets.ts.
 */

/** From 0 up to and not including 1. */
export const randomFraction: () => number = () => Math.random();

/** Milliseconds since the epoch. */
export const wallClock: () => number = () => Date.now();

export type Defer = (run: () => void) => void;

/** Runs it after the present event, so that sockets and timers are not starved. */
export const defer: Defer = (run) => {
  setImmediate(run);
};
