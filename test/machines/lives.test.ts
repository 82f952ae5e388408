/** Runs of the machine up to the start of the command, and an uneventful run to its end. */
import { describe, expect, it } from 'vitest';
import { grant, lease as provenLease, signals } from './facts.ts';
import { CLEANED_UP, NEVER_RAN, onStage, typesOf, UP_TO_RUNNING } from './stage.ts';

describe('an uneventful run', () => {
  it('goes from connecting to done and passes the command’s status on', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING);
    stage.hear(
      { type: 'command.exited', exit: { code: 7, signal: null }, byGuard: false },
      ...CLEANED_UP,
    );
    expect(stage.visited).toEqual([
      'connecting',
      'waiting',
      'locked.confirming',
      'locked.arming',
      'running',
      'cleanup.stopping',
      'cleanup.releasing',
      'cleanup.closing',
      'done',
    ]);
    expect(stage.output()).toMatchObject({ exitCode: 7, outcome: { kind: 'exited' } });
    expect(typesOf(stage.sent)).toEqual([
      'command.park',
      'session.connect',
      'lock.join',
      'command.extend',
      'lock.confirm',
      'command.arm',
      'command.start',
      'command.extend',
      'command.stop',
      'lock.release',
      'session.close',
    ]);
  });

  it('reports a command that a signal killed as 128 + n', () => {
    const stage = onStage();
    const exit = { code: null, signal: { name: 'SIGSEGV', number: 11 } };
    stage.hear(...UP_TO_RUNNING, { type: 'command.exited', exit, byGuard: false }, ...CLEANED_UP);
    expect(stage.output()?.exitCode).toBe(139);
  });

  it('passes every renewal of the lease on to the guard', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING);
    const lease = { provenAt: 100, stopAt: 20_100, leaseEnd: 29_100 };
    stage.hear({ type: 'lease.renewed', lease });
    expect(stage.sent.at(-1)).toEqual({ type: 'command.extend', lease });
    expect(stage.context().lease).toEqual(lease);
  });
});

describe('connecting', () => {
  it('makes as many attempts as -R allows, then ends with 125 and the failed hosts', () => {
    const stage = onStage({ connectTries: 3 });
    stage.hear('session.unreachable', 'session.unreachable');
    expect(stage.state()).toBe('connecting');
    stage.hear('session.unreachable', ...CLEANED_UP);
    expect(typesOf(stage.sent).filter((type) => type === 'session.connect')).toHaveLength(3);
    expect(stage.output()).toMatchObject({ exitCode: 125, outcome: { kind: 'unreachable' } });
    expect(stage.output()?.outcome).toMatchObject({ hosts: [{ host: 'a:1' }] });
  });
});

describe('waiting', () => {
  it('requests no confirmation if the lock is granted with a confirmed lease', () => {
    const stage = onStage();
    stage.hear('session.established', 'lock.queued', 'lock.confirmed');
    expect(stage.state()).toBe('locked.arming');
    expect(typesOf(stage.sent)).not.toContain('lock.confirm');
    stage.hear('command.armed');
    expect(stage.state()).toBe('running');
    expect(stage.sent).toContainEqual({ type: 'command.start', grant });
  });

  it('has the guard armed before the grant, with each new lease', () => {
    const stage = onStage();
    stage.hear('session.established');
    expect(stage.sent.at(-1)).toEqual({ type: 'command.extend', lease: provenLease });
    const lease = { provenAt: 100, stopAt: 20_100, leaseEnd: 29_100 };
    stage.hear('lock.queued', { type: 'lease.renewed', lease });
    expect(stage.sent.at(-1)).toEqual({ type: 'command.extend', lease });
    expect(stage.state()).toBe('waiting');
  });

  it('ends with -E’s status when -t times out, counted from entering waiting', () => {
    const stage = onStage({ waitMs: 5000, conflictExitCode: 99 });
    stage.clock.increment(60_000);
    stage.hear('session.established', 'lock.queued');
    stage.clock.increment(4999);
    expect(stage.state()).toBe('waiting');
    stage.clock.increment(1);
    stage.hear(...CLEANED_UP);
    expect(stage.output()).toMatchObject({ exitCode: 99, outcome: { kind: 'conflict' } });
  });

  it('continues to count -t while suspended', () => {
    const stage = onStage({ waitMs: 5000 });
    stage.hear('session.established', 'lock.queued');
    stage.clock.increment(3000);
    stage.hear('session.suspended');
    stage.clock.increment(2000);
    expect(stage.state()).toBe('cleanup.stopping');
  });

  it('continues to count -t in a new session', () => {
    const stage = onStage({ waitMs: 5000, lockTries: 2 });
    stage.hear('session.established', 'lock.queued');
    stage.clock.increment(3000);
    stage.hear('session.lost (expired)', 'command.stopped', 'session.established');
    expect(stage.state()).toBe('waiting');
    stage.clock.increment(2000);
    stage.hear(...CLEANED_UP);
    expect(stage.output()?.exitCode).toBe(1);
  });

  it('continues to count -t until a command has run', () => {
    const stage = onStage({ waitMs: 5000, lockTries: 2 });
    stage.hear('session.established');
    stage.clock.increment(3000);
    stage.hear('lock.granted', 'lock.confirmed', 'command.armed');
    stage.hear('session.lost (expired)', NEVER_RAN, 'session.established');
    expect(stage.state()).toBe('waiting');
    stage.clock.increment(2000);
    expect(stage.state()).toBe('cleanup.stopping');
  });

  it.each([
    ['running', ['command.armed']],
    ['suspended.running', ['command.armed', 'session.suspended']],
    ['lost.stopping', ['command.armed', 'session.lost (expired)']],
  ] as const)(
    'does not try again when -t times out in %s, before a command has run',
    (state, events) => {
      const stage = onStage({ waitMs: 5000, lockTries: 2 });
      stage.hear('session.established', 'lock.granted', 'lock.confirmed', ...events);
      stage.clock.increment(5000);
      expect(stage.state()).toBe(state);
      if (state !== 'lost.stopping') stage.hear('session.lost (expired)');
      stage.hear(NEVER_RAN, 'session.closed');
      expect(stage.output()).toMatchObject({ exitCode: 125, outcome: { kind: 'sessionLost' } });
    },
  );

  it('stops counting -t once the command runs', () => {
    const stage = onStage({ waitMs: 5000 });
    stage.hear(...UP_TO_RUNNING);
    stage.clock.increment(100_000);
    expect(stage.state()).toBe('running');
  });

  it('restarts -t after a command was stopped and the machine rejoins', () => {
    const stage = onStage({ waitMs: 5000, onLost: 'rejoin' });
    stage.hear('session.established');
    stage.clock.increment(4000);
    stage.hear('lock.granted', 'lock.confirmed', 'command.armed', 'command.started');
    stage.hear('session.lost (expired)', 'command.stopped', 'session.established');
    stage.clock.increment(4999);
    expect(stage.state()).toBe('waiting');
    stage.clock.increment(1);
    expect(stage.state()).toBe('cleanup.stopping');
  });

  it('with --no-blocking ends as soon as it is not first', () => {
    const stage = onStage({ waitMs: 0 });
    stage.hear('session.established');
    expect(stage.sent).toContainEqual({ type: 'lock.join', blocking: false });
    stage.hear('lock.queued', ...CLEANED_UP);
    expect(stage.output()?.exitCode).toBe(1);
  });

  it('with a wrong N or a wrong kind of lock ends with 125', () => {
    const stage = onStage();
    stage.hear('session.established', 'lock.refused', ...CLEANED_UP);
    expect(stage.output()).toMatchObject({ exitCode: 125, outcome: { kind: 'refused' } });
  });

  it('with a lost session tries again while -r lasts, then ends with 125', () => {
    const stage = onStage({ lockTries: 2 });
    stage.hear('session.established', 'session.lost (expired)', 'command.stopped');
    expect(stage.state()).toBe('connecting');
    stage.hear('session.established', 'session.suspended', 'session.lost (expired)');
    expect(stage.state()).toBe('lost.disarming');
    stage.hear('command.stopped', 'session.closed');
    expect(stage.output()).toMatchObject({ exitCode: 125, outcome: { kind: 'sessionLost' } });
  });

  it.each([
    ['SIGTERM', signals.TERM, 143],
    ['SIGINT', signals.INT, 130],
    ['SIGHUP', signals.HUP, 129],
    ['SIGQUIT', signals.QUIT, 131],
  ])('ends with 128+n on %s', (_, signal, status) => {
    const stage = onStage();
    stage.hear('session.established', 'lock.queued', signal, ...CLEANED_UP);
    expect(stage.output()?.exitCode).toBe(status);
  });

  it.each([signals.USR1, signals.CONT, signals.TSTP])('ignores $signal', (signal) => {
    const stage = onStage();
    stage.hear('session.established', 'lock.queued', signal);
    expect(stage.state()).toBe('waiting');
    expect(typesOf(stage.sent)).not.toContain('command.signal');
  });
});
