/** LOCKEX_TRACE=FILE: every event and state of the machine as a JSON line, for debugging. */
import { appendFileSync, closeSync, constants, openSync } from 'node:fs';
import type { LockexEvent } from '../../machines/contract.ts';
import { UsageError } from '../cli/usage-error.ts';
import type { Clock } from '../util/clock.ts';
import type { LogFunction } from '../util/log-level.ts';
import { escapedJson } from '../util/printable.ts';

export type Trace = (state: string, event: LockexEvent | null) => void;

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;

/**
 * @throws UsageError if the file can't be written; a later failure is logged and ends the trace,
 *   not the run
 */
export function traceTo(file: string, clock: Clock, log: LogFunction): Trace {
  try {
    // O_NONBLOCK: opening a FIFO without a reader fails at once (ENXIO) instead of waiting.
    closeSync(openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o666));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`LOCKEX_TRACE: cannot write ${file}: ${code}`);
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
      log('warn', `LOCKEX_TRACE: cannot write ${file}: ${code}; the trace ends here`);
    }
  };
}
