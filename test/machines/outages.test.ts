/** After an outage before the command runs, nothing that was granted before it counts. */
import { expect, it } from 'vitest';
import { onStage } from './stage.ts';

it.each([
  ['confirming', ['lock.granted']],
  ['arming', ['lock.granted', 'lock.confirmed']],
] as const)('while %s: the lock is confirmed again before the guard is armed', (_, before) => {
  const { hear, sent, state } = onStage();
  hear('session.established', ...before, 'session.suspended');
  expect(state()).toBe('suspended.locked');
  sent.splice(0);
  hear('session.resumed', 'command.armed');
  expect(state()).toBe('locked.confirming');
  expect(sent.map(({ type }) => type)).toEqual(['lock.confirm']);
});

it('while waiting: the queue is joined again', () => {
  const { hear, sent, state } = onStage();
  hear('session.established', 'session.suspended');
  sent.splice(0);
  hear('session.resumed');
  expect(state()).toBe('waiting');
  expect(sent.map(({ type }) => type)).toContain('lock.join');
});
