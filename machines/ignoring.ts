/** Events that a state ignores, by name: a test checks that every state decides every event. */
import type { LockexEvent } from './contract.ts';

type EventType = LockexEvent['type'];

const NOTHING = {};

/** For spreading into `on`: transitions without a target or an action. */
export function ignoring<T extends EventType>(...types: readonly T[]): Record<T, object> {
  const ignored: Partial<Record<T, object>> = {};
  for (const type of types) ignored[type] = NOTHING;
  return ignored as Record<T, object>;
}
