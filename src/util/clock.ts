/**
 * The clock of all leases and deadlines, and its timers.
 *
 * It never goes backwards, is independent of the wall clock, and on Linux includes the time for
 * which the host was suspended (`/proc/uptime` is CLOCK_BOOTTIME; timers and `performance.now()`
 * are CLOCK_MONOTONIC, which does not include it). The guard reads the same file, so deadlines have
 * the same meaning for both.
 */
import { closeSync, openSync, readSync } from 'node:fs';

export interface Clock {
  /** Milliseconds since boot; on Linux up to 10 ms behind, never ahead. */
  now(): number;
  /** A timer may fire late (the host was busy or suspended): read `now()` then. */
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
 * Milliseconds since this process began; monotonic. Not for leases. (The global `performance` would
 * load ten of Node's modules, a millisecond of a start.)
 */
export function processAgeMs(): number {
  return process.uptime() * 1000;
}

function uptimeReader(): () => number {
  let file: number;
  try {
    file = openSync('/proc/uptime', 'r');
  } catch {
    // Not Linux: monotonic, but without the time for which the host was suspended.
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
