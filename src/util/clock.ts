/**
 * The one clock that leases and deadlines are counted by, and its timers.
 *
 * It never goes backwards, does not follow the wall clock, and on Linux counts the time for which
 * the host was asleep (`/proc/uptime` is CLOCK_BOOTTIME; timers and `performance.now()` are
 * CLOCK_MONOTONIC and are not). The guard, a shell, reads the same file: both mean the same by a
 * deadline.
 */
import { closeSync, openSync, readSync } from 'node:fs';

export interface Clock {
  /** Milliseconds since boot. Never later than the truth, at most 10 ms earlier (Linux). */
  now(): number;
  /** Timers may be late (a busy or sleeping host): read `now()` when they fire. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Node's timers fire after 1 ms when asked for more than this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: uptimeReader(),
  setTimeout: (callback, delayMs) =>
    setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_TIMER_MS)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/**
 * Milliseconds since this process began: monotonic, and good enough for whatever is no lease. (The
 * global `performance` is ten modules of Node's, a millisecond of a start.)
 */
export function processAgeMs(): number {
  return process.uptime() * 1000;
}

function uptimeReader(): () => number {
  let file: number;
  try {
    file = openSync('/proc/uptime', 'r');
  } catch {
    // Not Linux: monotonic, but blind to a host that slept.
    return processAgeMs;
  }
  const text = Buffer.alloc(64);
  const read = () => {
    const length = readSync(file, text, 0, text.length, 0);
    return Number.parseFloat(text.toString('latin1', 0, length)) * 1000;
  };
  if (!Number.isFinite(read())) {
    closeSync(file);
    return processAgeMs;
  }
  return read;
}
