/** Waits for conditions without an event, by polling every few milliseconds. */
import { setTimeout as pause } from 'node:timers/promises';

const DEFAULT_TIMEOUT_MS = 30_000;

/** Rejects if the condition is not met within `timeoutMs`; `what` is for the message. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what = 'a condition',
  timeoutMs = DEFAULT_TIMEOUT_MS,
): Promise<void> {
  if (!(await eventually(isTrue, timeoutMs))) throw new Error(`timed out waiting for ${what}`);
}

/** Resolves to false if the condition is not met within `timeoutMs`. */
export async function eventually(
  isTrue: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > end) return false;
    await pause(5);
  }
  return true;
}
