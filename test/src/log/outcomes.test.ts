/** The table of outcomes agrees with the exit statuses that the machine ends with. */
import { describe, expect, it } from 'vitest';
import { exitCodeOf, type Outcome } from '../../../machines/outcome.ts';
import { messageForOutput } from '../../../src/log/outcome-messages.ts';
import { EXIT_STATUSES, OUTCOMES } from '../../../src/log/outcomes.ts';

const loss = { cause: 'guardFired', message: null, leaseEnd: null } as const;
const lastRun = { agoMs: 185_000, label: '' };

/** One outcome of each kind that has an exit status of its own. */
const outcomes: readonly Outcome[] = [
  { kind: 'skipped', lastRun },
  { kind: 'conflict', waitMs: 90_000, holder: null },
  { kind: 'leftovers', processes: [], signal: 'SIGTERM' },
  { kind: 'timedOut', maxRuntimeMs: 3_600_000 },
  { kind: 'lost', loss },
  { kind: 'unreachable', hosts: [] },
  { kind: 'refused', message: 'a semaphore of 3' },
  { kind: 'sessionLost', loss: { ...loss, message: 'the session expired' } },
  { kind: 'unkillable', processes: ['dd[12]'], unknown: 'EACCES' },
  { kind: 'failed', message: 'no guard' },
];

const codes = { conflictExitCode: 1, skipExitCode: 0 };

it.each(outcomes.map((outcome) => [outcome.kind, outcome] as const))(
  '%s is listed under its exit status',
  (kind, outcome) => {
    const status = String(exitCodeOf(outcome, { code: 0, signal: null }, codes));
    const [, meaning = ''] = EXIT_STATUSES.find(([listed]) => listed === status) ?? [];
    expect(meaning).toContain(OUTCOMES[kind]);
  },
);

describe('the last line', () => {
  it.each([
    [0, 'done: skipped: another run succeeded 3 min 5 s ago'],
    [1, 'done: could not acquire the lock within 1 min 30 s: another contender holds it'],
    [
      2,
      'done: the command exited with 0, but processes that outlived it had to be stopped on SIGTERM',
    ],
    [3, 'done: the command exceeded --max-runtime (1 h) and was stopped'],
    [4, 'done: the lock was lost: lease not renewed in time: the guard killed the command'],
    [5, 'done: no ZooKeeper server could be reached'],
    [6, 'done: a semaphore of 3'],
    [7, 'done: the session was lost before the command was started: the session expired'],
    [
      8,
      'done: still running after SIGKILL: dd[12]; ' +
        'cannot tell whether all processes of the command have exited: EACCES',
    ],
    [9, 'done: no guard'],
  ])('has the details of the outcome (%i)', (index, message) => {
    const outcome = outcomes[index] as Outcome;
    expect(messageForOutput({ exitCode: 125, outcome, command: null })).toEqual({
      level: index < 2 ? 'info' : 'error',
      message,
      fields: { exitCode: 125, outcome: outcome.kind },
    });
  });
});
