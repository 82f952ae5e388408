/** LOCKEX_TRACE, where its file can be opened, and not written for long. */
import { expect, it } from 'vitest';
import { traceTo } from '../../../src/observers/trace.ts';
import { systemClock } from '../../../src/util/clock.ts';

it('a trace that can’t be written any more is said to end, once, and ends nothing else', () => {
  const said: string[] = [];
  const trace = traceTo('/dev/full', systemClock, (level, words) => said.push(`${level} ${words}`));
  trace('waiting', null);
  trace('locked', null);
  expect(said).toEqual([
    "warn LOCKEX_TRACE: /dev/full can't be written any more (ENOSPC): the trace ends here",
  ]);
});
