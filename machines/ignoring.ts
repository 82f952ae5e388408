/** Events that a state ignores, by name: a test holds that every state decides every event. */
import type { LockexEvent } from './contract.ts';

type EventType = LockexEvent['type'];

/** To be spread into `on`: a transition that goes nowhere and does nothing. */
export function ignoring<T extends EventType>(...types: readonly T[]): Record<T, object> {
  return Object.fromEntries(types.map((type) => [type, {}])) as Record<T, object>;
}
