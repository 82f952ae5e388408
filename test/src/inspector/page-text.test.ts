/** The texts of the inspector's page. */
import { expect, it } from 'vitest';
import { detailsText, duration, outcomeText } from '../../../src/inspector/page/text.ts';

it.each([
  [0, '0 s'],
  [1234, '1.2 s'],
  [12_900, '12 s'],
  [185_000, '3 min 5 s'],
  [3_660_000, '1 h 1 min'],
  [100 * 3_600_000, '4 d 4 h'],
])('formats %i ms as %s', (ms, expected) => {
  expect(duration(ms)).toBe(expected);
});

it('formats the details of an event on one line', () => {
  expect(detailsText({ a: 'x', b: 1, c: null, d: { e: [1] } })).toBe('a: x, b: 1, d: {"e":[1]}');
});

it('names the outcome and the exit status, also of an unknown outcome', () => {
  expect(outcomeText('lost', 124)).toMatch(/^lockex exited with status 124: the lock was lost/);
  expect(outcomeText(null, 125)).toBe('lockex exited with status 125');
});
