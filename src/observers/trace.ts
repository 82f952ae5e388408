/** LOCKEX_TRACE=FILE: every event and state of the machine, a JSON line each; for debugging. */
import { appendFileSync, closeSync, constants, openSync } from 'node:fs';
import type { LockexEvent } from '../../machines/contract.ts';
import { UsageError } from '../cli/usage-error.ts';
import type { Clock } from '../util/clock.ts';
import type { LogFunction } from '../util/log-level.ts';
import { escapedJson } from '../util/printable.ts';

export type Trace = (state: string, event: LockexEvent | null) => void;

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;

/** @throws UsageError; what goes wrong later on is said, and the trace ends: the command goes on. */
export function traceTo(file: string, clock: Clock, say: LogFunction): Trace {
  try {
    // A pipe that nobody reads is not waited for.
    closeSync(openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o666));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`LOCKEX_TRACE: ${file} can't be written: ${code}`);
  }
  let isOver = false;
  return (state, event) => {
    if (isOver) return;
    try {
      const line = JSON.stringify({ at: clock.now(), state, event });
      appendFileSync(file, `${escapedJson(line)}\n`);
    } catch (error) {
      isOver = true;
      const { code } = error as NodeJS.ErrnoException;
      say('warn', `LOCKEX_TRACE: ${file} can't be written any more (${code}): the trace ends here`);
    }
  };
}
