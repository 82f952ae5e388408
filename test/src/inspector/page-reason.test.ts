/** Why a run is in its state and until when. */
import { describe, expect, it } from 'vitest';
import { createLockexMachine } from '../../../machines/lockex.ts';
import type { Facts, FeedEvent } from '../../../src/inspector/feed.ts';
import { eventText } from '../../../src/inspector/page/event-text.ts';
import { leaseLevel, leaseText } from '../../../src/inspector/page/lease-text.ts';
import { lifeOf } from '../../../src/inspector/page/life.ts';
import { type Moment, momentOf } from '../../../src/inspector/page/moment.ts';
import { reasonOf } from '../../../src/inspector/page/reason.ts';
import { Run } from '../../../src/inspector/page/run.ts';
import { entry, facts, head } from './page-entries.ts';

const LEASE = { leftMs: 12_000, stopInMs: 9000 };
const LOSS = { cause: 'leaseEnding', message: 'renewals failed', leftMs: 3000 };

/** One second after the run came into this state. */
function momentIn(
  state: string,
  more: Partial<Facts> = {},
  event: readonly [FeedEvent['type'], FeedEvent['details']] | null = null,
  exitCode: number | null = null,
): Moment {
  const run = new Run(head());
  run.add(
    entry(
      1,
      1000,
      state,
      event,
      facts({ lease: LEASE, timeoutMs: 20_000, fencingToken: '7', ...more }),
    ),
  );
  run.exitCode = exitCode;
  const moment = momentOf(run, 2000);
  if (moment === null) throw new Error('no moment');
  return moment;
}

const killed = { code: null, signal: { name: 'SIGKILL', number: 9 } };

describe('the reason', () => {
  it('of every state of the machine is one sentence', () => {
    const { states } = lifeOf(createLockexMachine().config);
    const inner = states.filter(
      ({ name }) => !['locked', 'suspended', 'lost', 'cleanup'].includes(name),
    );
    expect(inner.length).toBeGreaterThan(12);
    for (const { name } of inner) {
      const reason = reasonOf(momentIn(name, {}, null, name === 'done' ? 0 : null));
      expect(reason, name).toMatch(/^\S.*\S$/);
      expect(reason, name).not.toMatch(/undefined|null|NaN|\[object/);
    }
  });

  it('while suspended says why, and when the command is stopped', () => {
    const moment = momentIn('suspended.running', {}, [
      'session.suspended',
      { reason: 'the server closed the connection' },
    ]);
    expect(reasonOf(moment)).toBe(
      'the server closed the connection; the command is stopped in 8 s unless lockex reconnects',
    );
    expect(leaseLevel(moment)).toBe('low');
  });

  it('of a lost lock does not hope for a renewal', () => {
    const moment = momentIn('lost.stopping', { loss: LOSS });
    expect(reasonOf(moment)).toBe(
      'renewals failed; the command is being stopped and must have exited in 11 s',
    );
    expect(leaseText(moment)).not.toMatch(/unless/);
    expect(leaseLevel(moment)).toBe('ending');
  });

  it('of a lost lock without a lease says that another contender may hold it', () => {
    const moment = momentIn('lost.stopping', { loss: { ...LOSS, leftMs: null } });
    expect(reasonOf(moment)).toMatch(/being killed: another contender may hold the lock already/);
    expect(leaseText(moment)).toBe('another contender may hold the lock already');
  });

  it('of the end names the exit status, and the signal that killed the command', () => {
    const more = { outcome: { kind: 'exited' }, exit: killed };
    expect(reasonOf(momentIn('done', more, null, 137))).toBe(
      'exited with status 137: the command was killed by SIGKILL',
    );
  });

  it('while waiting names the holders and the position', () => {
    const holder = { node: 'n', label: 'db2 pid 7 (redis)' };
    const queue = { position: 2, holders: [holder], behind: holder };
    expect(reasonOf(momentIn('waiting', { queue }))).toBe(
      'held by db2 pid 7 (redis); position 2 in the queue',
    );
  });
});

describe('the text of an event', () => {
  const textOf = (type: string, details: FeedEvent['details']) =>
    eventText(entry(1, 1, 'running', [type as FeedEvent['type'], details]));

  it.each([
    [
      'command.exited',
      { exit: killed, byGuard: true },
      'the command was killed by SIGKILL, sent by the guard',
    ],
    [
      'session.established',
      { server: 'a:1', timeoutMs: 30_000 },
      'connected to a:1; session timeout 30 s',
    ],
    [
      'command.stopped',
      { means: 'SIGKILL', stragglers: ['a[1]'] },
      'all processes of the command have exited (SIGKILL); stopped processes that outlived it: a[1]',
    ],
  ])('%s', (type, details, text) => {
    expect(textOf(type, details)).toBe(text);
  });

  it('falls back to its name for what a file of another version contains', () => {
    expect(textOf('later.event', {})).toBe('later.event');
    expect(textOf('command.exited', { exit: 7 })).toBe('command.exited');
    expect(textOf('command.exited', { exit: null })).toBe('command.exited');
  });
});
