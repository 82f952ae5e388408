/** Siblings of a lock's node that are no locks, and so no lock's id may end as they do. */

/** The lock that whoever wants a lease of a semaphore takes first (kazoo's `Semaphore`). */
export const INNER_LOCK = '-__lock__';
/** When a run under the lock succeeded last (`--once-per`). */
export const RUN_RECORD = '-__once__';

const RESERVED = [INNER_LOCK, RUN_RECORD];

export function reservedEnding(lockId: string): string | null {
  return RESERVED.find((ending) => lockId.endsWith(ending)) ?? null;
}
