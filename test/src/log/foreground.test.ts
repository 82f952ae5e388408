/** Foreground jobs, from /proc/PID/stat. */
import { expect, it } from 'vitest';
import { isForeground } from '../../../src/log/foreground.ts';

it.each([
  ['ours is the foreground group', '4711 (node) S 4000 4711 4000 34816 4711 4194304 0', true],
  ['another job is', '4711 (node) S 4000 4711 4000 34816 4000 4194304 0', false],
  ['there is no terminal', '4711 (node) S 4000 4711 4000 0 -1 4194304 0', false],
  ['the name looks like fields', '4711 (a) S 1 2 3 4 (5 6) S 4000 4711 4000 34816 4711 0', true],
])('%s', (_, stat, expected) => {
  expect(isForeground(`${stat}${' 0'.repeat(20)}`)).toBe(expected);
});
