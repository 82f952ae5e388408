/** Events that a state ignores, by name: a test holds that every state decides every event. */
import type { LockexEvent } from './contract.ts';

type EventType = LockexEvent['type'];

const NOTHING = {};

/** To be spread into `on`: a transition that goes nowhere and does nothing. */
export function ignoring<T extends EventType>(...types: readonly T[]): Record<T, object> {
  const ignored: Partial<Record<T, object>> = {};
  for (const type of types) ignored[type] = NOTHING;
  return ignored as Record<T, object>;
}
