/** The log of whole runs of the machine. */
import { describe, expect, it } from 'vitest';
import type { LockexEvent, QueueInfo } from '../../../machines/contract.ts';
import { facts } from '../../machines/facts.ts';
import { db, type Fact, narrated, other, queued, RUNNING } from './narration.ts';

it('an uneventful run logs a line for each state, and the reason for its end', () => {
  const life = narrated();
  life.hear(...RUNNING);
  life.hear({ type: 'command.exited', exit: { code: 3, signal: null }, byGuard: false });
  life.hear({
    type: 'command.stopped',
    exit: { code: 3, signal: null },
    how: { means: 'exited', stragglers: [] },
  });
  life.hear('lock.released', 'session.closed');
  life.conclude();
  expect(life.news()).toEqual([
    'connecting to ZooKeeper',
    'waiting: connected to 127.0.0.1:2181; requesting the lock',
    'locked: lock granted; confirming the lease',
    'running: command started (pid 4711, fencing token 42)',
    'cleanup: the command exited with 3',
    'done: the command exited with 3',
  ]);
});

it('every line has its state and the fields of its message', () => {
  const life = narrated();
  life.hear('session.established', queued({ position: 2, behind: other }));
  life.hear('lock.granted', 'lock.confirmed', 'command.armed', 'command.started');
  life.hear('session.suspended', 'session.lost (lease ending)');
  const fields = Object.fromEntries(
    life
      .all()
      .filter(({ level }) => level !== 'debug')
      .map(({ fields: { state, ...rest } }) => [String(state), rest]),
  );
  expect(fields).toEqual({
    connecting: {},
    waiting: { queue: { position: 2, holders: [db], behind: other } },
    'locked.confirming': {},
    running: { commandPid: 4711, fencingToken: '42', path: '/lockex/x/g__lock__0000000001' },
    'suspended.running': { reason: 'connection closed', leaseLeftMs: 29_000, stopInMs: 20_000 },
    'lost.stopping': { cause: 'leaseEnding', leaseLeftMs: 29_000 },
  });
});

it('a lock that is granted with a confirmed lease is logged as such', () => {
  const life = narrated();
  life.hear('session.established', queued({}), 'lock.confirmed');
  expect(life.news().at(-1)).toBe('locked: lock granted, lease confirmed');
});

describe('connecting', () => {
  it('logs each host with its problem, for each try', () => {
    const life = narrated({ connectTries: 2 });
    const unreachable: LockexEvent = {
      type: 'session.unreachable',
      hosts: [
        { host: 'a:1', problem: 'connection refused' },
        { host: 'b:2', problem: 'no answer to the handshake within 5 s' },
      ],
    };
    life.hear(unreachable);
    expect(life.news()).toEqual([
      'connecting to ZooKeeper',
      'warn: a:1: connection refused',
      'warn: b:2: no answer to the handshake within 5 s',
      'connecting again: try 2 of 2',
    ]);
    life.hear(unreachable, 'command.stopped', 'lock.released', 'session.closed');
    life.conclude();
    expect(life.news()).toEqual([
      'warn: a:1: connection refused',
      'warn: b:2: no answer to the handshake within 5 s',
      'cleanup: ZooKeeper could not be reached',
      'error: done: no ZooKeeper server could be reached',
    ]);
  });

  it('mentions the new session after a loss', () => {
    const life = narrated({ lockTries: 3 });
    life.hear('session.established', 'session.lost (expired)');
    life.news();
    life.hear({
      type: 'command.stopped',
      exit: null,
      how: { means: 'none', stragglers: [] },
    });
    expect(life.news()).toEqual(['connecting again with a new session: try 2 of 3']);
  });
});

describe('waiting', () => {
  it.each<[Partial<QueueInfo>, string]>([
    [{}, 'db1 pid 4711 (redis-server) holds the lock; next in the queue'],
    [
      { position: 3, behind: other },
      'db1 pid 4711 (redis-server) holds the lock; 3rd in the queue, ' +
        'behind db2 pid 12 (redis-server)',
    ],
    [
      { holders: [db, other], behind: null, position: 11 },
      'db1 pid 4711 (redis-server), db2 pid 12 (redis-server) hold the permits; ' +
        '11th in the queue',
    ],
    [
      { holders: [{ node: 'x', label: '' }], behind: null },
      'an unnamed contender holds the lock; next in the queue',
    ],
    [{ holders: [], behind: null, position: 22 }, 'others are ahead; 22nd in the queue'],
  ])('names the holders and the own position: %j', (queue, message) => {
    const life = narrated();
    life.hear('session.established');
    life.news();
    life.hear(queued(queue));
    expect(life.news()).toEqual([`waiting: ${message}`]);
  });

  it('escapes what could control a terminal in a label', async () => {
    const life = narrated({}, true);
    const evil = { node: 'e', label: 'x\u001b[2J\nlockex: forged' };
    life.hear('session.established', queued({ holders: [evil], behind: evil }));
    await life.settled();
    // The fake terminal throws where it is sent what it doesn't know.
    expect(life.sink.screen.at(-1)).toContain('x\\u{1b}[2J\\u{a}lockex: forged holds the lock');
  });
});

describe('outages, losses and leftover processes', () => {
  it('suspended shows how much of the lease is left, by the clock', () => {
    const life = narrated();
    life.hear(...RUNNING);
    life.clock.pass(17_100);
    life.news();
    life.hear('session.suspended');
    expect(life.news()).toEqual([
      'warn: suspended: connection closed; reconnecting; the lease ends in 11.9 s, ' +
        'the command will be stopped in 2.9 s',
    ]);
    life.hear('session.resumed');
    expect(life.news()).toEqual(['running: reconnected to 127.0.0.1:2181; lease confirmed']);
  });

  it('suspended shows no lease while no command runs', () => {
    const life = narrated();
    life.hear('session.established');
    life.news();
    life.hear('session.suspended');
    expect(life.news()).toEqual(['warn: suspended: connection closed; reconnecting']);
    life.hear('session.resumed');
    expect(life.news()).toEqual(['waiting: reconnected to 127.0.0.1:2181']);
  });

  it.each<[Fact, string]>([
    [
      'session.lost (lease ending)',
      'error: lost: not proven in time; stopping the command, which must exit within 9 s',
    ],
    ['session.lost (expired)', 'error: lost: the session expired; killing the command'],
  ])('lost shows why, and what happens to the command: %s', (fact, line) => {
    const life = narrated();
    life.hear(...RUNNING);
    life.clock.pass(20_000);
    life.news();
    life.hear(fact);
    expect(life.news()).toEqual([line]);
    const how = { means: 'SIGTERM', stragglers: [] } as const;
    const exit = { code: 0, signal: null };
    life.hear('command.exited', { type: 'command.stopped', exit, how }, 'session.closed');
    life.conclude();
    const [stopped, cleanup, done] = life.news();
    expect(stopped).toBe('all processes of the command have exited (SIGTERM)');
    expect(cleanup).toBe('cleanup: the lock was lost');
    expect(done).toMatch(/^error: done: the lock was lost: /);
  });

  it('a command whose leftovers were stopped ends with an error that names them', () => {
    const life = narrated();
    life.hear(...RUNNING, 'command.exited', 'command.stopped (leftovers)', 'lock.released');
    life.hear('session.closed');
    life.news();
    life.conclude();
    expect(life.news()).toEqual([
      'error: done: the command exited with 0, but processes that outlived it had to be stopped: ' +
        'agent[13] (use --wait-for-all to wait for them)',
    ]);
  });

  it('processes that outlived the command are named in a warning', () => {
    const life = narrated();
    life.hear(...RUNNING, 'command.exited');
    life.news();
    life.hear({
      type: 'command.stopped',
      exit: { code: 0, signal: null },
      how: { means: 'SIGKILL', stragglers: ['sleep[12]', 'sh[13]'] },
    });
    expect(life.news()).toEqual([
      'warn: stopped processes that outlived the command: sleep[12], sh[13]',
      'all processes of the command have exited (SIGKILL)',
    ]);
  });

  it('processes that survive SIGKILL keep the lock, unless it is lost', () => {
    const kept = narrated();
    kept.hear(...RUNNING, 'signal TERM');
    kept.news();
    kept.hear('command.unkillable');
    expect(kept.news()).toEqual([
      'warn: still running after SIGKILL: dd[12]; keeping the lock until they exit',
    ]);
    const lost = narrated();
    lost.hear(...RUNNING, 'session.lost (expired)');
    lost.news();
    lost.hear('command.unkillable');
    expect(lost.news()[0]).toBe('warn: still running after SIGKILL: dd[12]');
  });

  it('a signal is logged with its effect', () => {
    const life = narrated();
    life.hear(...RUNNING);
    life.news();
    life.hear('signal TSTP');
    expect(life.news()).toEqual(['warn: ignoring SIGTSTP: a stopped lockex would lose the lock']);
    life.hear('signal TERM');
    expect(life.news()).toEqual([
      'cleanup: SIGTERM received: stopping the command (SIGKILL after 5 s)',
    ]);
  });

  it('a lock that could not be acquired is not a warning: with -q a cron job stays silent', () => {
    const life = narrated({ waitMs: 0 });
    life.hear('session.established', queued({}), 'command.stopped', 'lock.released');
    life.hear('session.closed');
    expect(life.news().slice(2)).toEqual(['cleanup: could not acquire the lock']);
    life.conclude();
    expect(life.all()).toMatchObject([
      {
        level: 'info',
        message: 'done: could not acquire the lock: db1 pid 4711 (redis-server) holds it',
        fields: { exitCode: 1, outcome: 'conflict' },
      },
    ]);
  });
});

it('no message contains undefined, null or NaN, for any event in any state of a run', () => {
  const lives: readonly (readonly Fact[])[] = [
    [],
    ['session.established'],
    ['session.established', 'lock.granted'],
    ['session.established', 'lock.granted', 'lock.confirmed'],
    RUNNING,
    [...RUNNING, 'session.suspended'],
    ['session.established', 'session.suspended'],
    ['session.established', 'lock.granted', 'session.suspended'],
    [...RUNNING, 'session.lost (expired)'],
    ['session.established', 'session.lost (expired)'],
    [...RUNNING, 'signal TERM'],
    [...RUNNING, 'command.exited', 'command.stopped'],
  ];
  for (const past of lives) {
    for (const name of Object.keys(facts) as (keyof typeof facts)[]) {
      const life = narrated();
      life.hear(...past);
      life.all();
      life.hear(name);
      const lines = life.all();
      expect(lines.length, `${name} after ${past.join(', ')}`).toBeGreaterThan(0);
      for (const { message } of lines) expect(message).not.toMatch(/undefined|null|NaN|\[object/);
    }
  }
});
