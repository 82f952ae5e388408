/** Durations as people read them. */
import { expect, it } from 'vitest';
import { duration } from '../../machines/duration.ts';

it.each([
  [0, '0 s'],
  [9.313225746154785e-10, 'less than 0.01 s'],
  [9, 'less than 0.01 s'],
  [250, '0.25 s'],
  [1000, '1 s'],
  [1234.567, '1.23 s'],
  [9100, '9.1 s'],
  [12_345, '12.3 s'],
  [30_000, '30 s'],
  [3_600_000, '3600 s'],
  [-1, '0 s'],
])('%s ms: %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
