/** Endings of the nodes beside a lock's node. A lock id must not end with one of them. */

/** The inner lock of a semaphore, held to acquire a permit (kazoo's `Semaphore`). */
export const INNER_LOCK = '-__lock__';
/** The record of the last successful run (`--once-per`). */
export const RUN_RECORD = '-__once__';

const RESERVED = [INNER_LOCK, RUN_RECORD];

export function reservedEnding(lockId: string): string | null {
  return RESERVED.find((ending) => lockId.endsWith(ending)) ?? null;
}
