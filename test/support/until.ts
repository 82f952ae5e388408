/** Waiting for a fact that nobody tells: it is looked at every few milliseconds. */
import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE_MS = 30_000;

/** Rejects when it has not come true within `timeoutMs`; `what` is for its words. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what = 'a fact',
  timeoutMs = PATIENCE_MS,
): Promise<void> {
  if (!(await eventually(isTrue, timeoutMs))) throw new Error(`waited in vain for ${what}`);
}

/** False when it has not come true within `timeoutMs`. */
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
