/** The soak's clock: the one that the workers journal by. */
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 25;

/** Microseconds of CLOCK_MONOTONIC. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Asks until it is so; false when it isn't within `timeoutMs`. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}
