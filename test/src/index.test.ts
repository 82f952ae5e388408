/** The library says of itself what the program does. */
import { expect, it } from 'vitest';
import { parseCommandLine } from '../../src/cli/parse.ts';
import { defaults } from '../../src/index.ts';

it('the defaults of the library are those of the command line', () => {
  const parsed = parseCommandLine(['-i', 'x', '--', 'prog', 'arg'], {});
  if (parsed.kind !== 'run') throw new Error('no run');
  const { lockId, command, ...others } = parsed.settings;
  expect(others).toEqual(defaults);
});
