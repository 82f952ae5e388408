/** The count of errors in a row, and when they become a refusal. */
import { expect, it } from 'vitest';
import { MAX_SUSPECT_ANSWERS } from '../../../src/zookeeper/error-policy.ts';
import { requestError } from '../../../src/zookeeper/errors.ts';
import { Retries } from '../../../src/zookeeper/retry.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

/** The actions for one error more than are taken for a server that fails for a while. */
function actionsOn(code: 'TIMEOUT' | 'SYSTEM_ERROR', phase: 'confirming' | 'holding') {
  const retries = new Retries({ clock: new SimulatedClock(), sessionTimeoutMs: () => 4000 });
  const errors = Array.from({ length: MAX_SUSPECT_ANSWERS + 1 }, () => requestError(code, '/x'));
  return errors.map((error) => retries.next(error, phase));
}

it('before the command runs, too many suspect answers are a refusal', () => {
  const actions = actionsOn('SYSTEM_ERROR', 'confirming');
  expect(new Set(actions.slice(0, -1))).toEqual(new Set(['reattach']));
  expect(actions.at(-1)).toBe('refuse');
});

it('missing answers are never a refusal, nor is anything once the command may run', () => {
  expect(new Set(actionsOn('TIMEOUT', 'confirming'))).toEqual(new Set(['reattach']));
  expect(new Set(actionsOn('SYSTEM_ERROR', 'holding'))).toEqual(new Set(['reattach']));
});
