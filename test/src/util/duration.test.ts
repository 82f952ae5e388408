/** Durations in messages. */
import { expect, it } from 'vitest';
import { duration } from '../../../src/util/duration.ts';

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
  [59_940, '59.9 s'],
  [59_960, '1 min'],
  [60_000, '1 min'],
  [185_900, '3 min 5 s'],
  [3_599_999, '59 min 59 s'],
  [3_600_000, '1 h'],
  [3_661_000, '1 h 1 min'],
  [24 * 3_600_000, '1 d'],
  [100 * 3_600_000, '4 d 4 h'],
  [-1, '0 s'],
])('%s ms: %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
