/** LOCKEX_TRACE=FILE: every event and state of the machine, a JSON line each; for debugging. */
import { appendFileSync } from 'node:fs';
import type { LockexEvent } from '../machines/contract.ts';
import type { Clock } from './clock.ts';

export type Trace = (state: string, event: LockexEvent | null) => void;

export function traceTo(file: string, clock: Clock): Trace {
  return (state, event) => {
    appendFileSync(file, `${JSON.stringify({ at: clock.now(), state, event })}\n`);
  };
}
