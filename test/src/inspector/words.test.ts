import { expect, it } from 'vitest';
import { detailsText, duration, outcomeText } from '../../../src/inspector/page/words.ts';

it.each([
  [0, '0 s'],
  [1234, '1.2 s'],
  [12_900, '12 s'],
  [185_000, '3 min 5 s'],
  [3_660_000, '1 h 1 min'],
  [100 * 3_600_000, '4 d 4 h'],
])('%i ms are %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

it('details are one line', () => {
  expect(detailsText({ a: 'x', b: 1, c: null, d: { e: [1] } })).toBe('a: x, b: 1, d: {"e":[1]}');
});

it('an outcome is said with its exit status, also an unknown one', () => {
  expect(outcomeText('lost', 124)).toMatch(
    /^lockex has ended with exit status 124: the lock was lost/,
  );
  expect(outcomeText(null, 125)).toBe('lockex has ended with exit status 125');
});
