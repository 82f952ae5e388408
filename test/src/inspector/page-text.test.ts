/** The texts of the inspector's page. */
import { expect, it } from 'vitest';
import { detailsText, duration, outcomeText, zoneName } from '../../../src/inspector/page/text.ts';

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

it('names the outcome, with the end of the command where that matters', () => {
  const killed = { code: null, signal: { name: 'SIGKILL', number: 9 } };
  expect(outcomeText('exited', { code: 7, signal: null })).toBe('the command exited with 7');
  expect(outcomeText('exited', killed)).toBe('the command was killed by SIGKILL');
  expect(outcomeText('lost', killed)).toMatch(/^the lock was lost .*; it was killed by SIGKILL$/);
  expect(outcomeText('unknown', null)).toBe('');
});

it.each([
  [0, 'UTC'],
  [60, 'UTC+1'],
  [-210, 'UTC-3:30'],
])('names the time zone %i minutes east of Greenwich %s', (minutes, expected) => {
  expect(zoneName(minutes)).toBe(expected);
});
