/** LOCKEX_TRACE with a file that can be opened, but not written. */
import { expect, it } from 'vitest';
import { traceTo } from '../../../src/observers/trace.ts';
import { systemClock } from '../../../src/util/clock.ts';

it('a trace that can’t be written ends with one warning, and ends nothing else', () => {
  const logged: string[] = [];
  const trace = traceTo('/dev/full', systemClock, (level, message) =>
    logged.push(`${level} ${message}`),
  );
  trace('waiting', null);
  trace('locked', null);
  expect(logged).toEqual([
    'warn LOCKEX_TRACE: cannot write /dev/full: ENOSPC; the trace ends here',
  ]);
});
