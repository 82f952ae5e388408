/** Whole runs of the machine, with simulated actors and a simulated clock. */
import { describe, expect, it } from 'vitest';
import type { CommandExit } from '../../machines/outcome.ts';
import { grant, lease as provenLease, signals } from './facts.ts';
import { CLEANED_UP, onStage, UP_TO_RUNNING } from './stage.ts';

const types = (sent: readonly { readonly type: string }[]) => sent.map(({ type }) => type);

/** A gate that was not opened in time, or whose command could not be executed. */
const NEVER_RAN = {
  type: 'command.stopped',
  exit: null,
  how: { means: 'none', stragglers: [] },
} as const;

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
    expect(types(stage.sent)).toEqual([
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
  it('tries as often as -R says, and gives up with 125 and the hosts', () => {
    const stage = onStage({ connectTries: 3 });
    stage.hear('session.unreachable', 'session.unreachable');
    expect(stage.state()).toBe('connecting');
    stage.hear('session.unreachable', ...CLEANED_UP);
    expect(types(stage.sent).filter((type) => type === 'session.connect')).toHaveLength(3);
    expect(stage.output()).toMatchObject({ exitCode: 125, outcome: { kind: 'unreachable' } });
    expect(stage.output()?.outcome).toMatchObject({ hosts: [{ host: 'a:1' }] });
  });
});

describe('waiting', () => {
  it('asks for no confirmation where the lock comes confirmed', () => {
    const stage = onStage();
    stage.hear('session.established', 'lock.queued', 'lock.confirmed');
    expect(stage.state()).toBe('locked.arming');
    expect(types(stage.sent)).not.toContain('lock.confirm');
    stage.hear('command.armed');
    expect(stage.state()).toBe('running');
    expect(stage.sent).toContainEqual({ type: 'command.start', grant });
  });

  it('has the guard armed beforehand: the grant’s lease is known to it, or nearly so', () => {
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

  it('counts -t anew after a command was stopped and the machine rejoins', () => {
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
    expect(types(stage.sent)).not.toContain('command.signal');
  });
});

describe('running', () => {
  it('on TERM stops, with the grace; a second TERM kills; the status is the command’s', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, signals.TERM);
    expect(stage.sent.at(-1)).toEqual({ type: 'command.stop', graceMs: 5000, deadline: null });
    stage.hear(signals.TERM);
    expect(stage.sent.at(-1)).toEqual({ type: 'command.stop', graceMs: 0, deadline: null });
    const exit = { code: null, signal: { name: 'SIGKILL', number: 9 } };
    stage.hear({ type: 'command.exited', exit, byGuard: false }, ...CLEANED_UP);
    expect(stage.output()).toMatchObject({ exitCode: 137, outcome: { kind: 'stopped' } });
  });

  it.each([signals.INT, signals.HUP, signals.QUIT, signals.USR1, signals.CONT])(
    'forwards $signal once and keeps running',
    (signal) => {
      const stage = onStage();
      stage.hear(...UP_TO_RUNNING, signal);
      const passed = stage.sent.filter(({ type }) => type === 'command.signal');
      expect(passed).toEqual([
        { type: 'command.signal', signal: 'signal' in signal ? signal.signal : '' },
      ]);
      expect(stage.state()).toBe('running');
    },
  );

  it('ignores TSTP and does not forward it: a stopped lockex would lose the lease', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, signals.TSTP);
    expect(types(stage.sent)).not.toContain('command.signal');
    expect(stage.state()).toBe('running');
  });

  it('keeps running through a short outage', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, 'session.suspended', 'lease.renewed', 'session.resumed');
    expect(stage.state()).toBe('running');
    expect(types(stage.sent)).not.toContain('command.stop');
  });

  it('is stopped by leaseEnd when the lease could not be proven', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, 'session.suspended', 'session.lost (lease ending)');
    expect(stage.state()).toBe('lost.stopping');
    expect(stage.sent.at(-1)).toEqual({ type: 'command.stop', graceMs: 5000, deadline: 29_000 });
    stage.hear('command.exited', 'command.stopped', 'session.closed');
    expect(stage.output()).toMatchObject({ exitCode: 124, outcome: { kind: 'lost' } });
  });

  it.each([['running'], ['suspended.running']])(
    'is lost when its guard has killed it, whatever else is known of the lease (%s)',
    (state) => {
      const stage = onStage();
      stage.hear(...UP_TO_RUNNING);
      if (state !== 'running') stage.hear('session.suspended');
      expect(stage.state()).toBe(state);
      stage.hear('command.exited (by the guard)');
      expect(stage.state()).toBe('lost.stopping');
      expect(stage.sent.at(-1)).toEqual({ type: 'command.stop', graceMs: 0, deadline: null });
      stage.hear('command.stopped', 'session.closed');
      expect(stage.output()).toMatchObject({ exitCode: 124, outcome: { kind: 'lost' } });
    },
  );

  it('keeps its status when the guard had to kill it while it was being stopped', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, signals.TERM, 'command.exited (by the guard)', ...CLEANED_UP);
    expect(stage.output()).toMatchObject({ exitCode: 137, outcome: { kind: 'stopped' } });
  });

  it('that has never run is not lost: the next session is tried, or it ends with 125', () => {
    const stage = onStage({ lockTries: 2 });
    stage.hear('session.established', 'lock.granted', 'lock.confirmed', 'command.armed');
    stage.hear('session.lost (expired)');
    expect(stage.state()).toBe('lost.stopping');
    stage.hear(NEVER_RAN);
    expect(stage.state()).toBe('connecting');
    expect(types(stage.sent).slice(-2)).toEqual(['command.park', 'session.connect']);
    stage.hear('session.established', 'lock.granted', 'lock.confirmed', 'command.armed');
    stage.hear('session.lost (expired)', NEVER_RAN, 'session.closed');
    expect(stage.output()).toMatchObject({ exitCode: 125, outcome: { kind: 'sessionLost' } });
  });

  it('that has run is lost, even if command.stopped comes again, without the exit', () => {
    const stage = onStage({ lockTries: 2 });
    stage.hear(...UP_TO_RUNNING, 'session.lost (expired)', 'command.exited');
    stage.hear(NEVER_RAN);
    stage.hear('session.closed');
    expect(stage.output()).toMatchObject({ exitCode: 124, outcome: { kind: 'lost' } });
  });

  it('that SIGTERM stopped before it ran ends with 143', () => {
    const stage = onStage();
    stage.hear(
      'session.established',
      'lock.granted',
      'lock.confirmed',
      'command.armed',
      signals.TERM,
    );
    stage.hear(NEVER_RAN);
    stage.hear('lock.released', 'session.closed');
    expect(stage.output()).toMatchObject({ exitCode: 143, command: null });
  });

  it('is killed at once where another may hold the lock already', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, 'session.lost (expired)');
    expect(stage.sent.at(-1)).toEqual({ type: 'command.stop', graceMs: 0, deadline: null });
  });

  it('with --on-lost rejoin, joins with a new session once everything is dead', () => {
    const stage = onStage({ onLost: 'rejoin' });
    stage.hear(...UP_TO_RUNNING, 'session.lost (expired)');
    expect(stage.state()).toBe('lost.stopping');
    stage.hear('command.exited', 'command.stopped');
    expect(stage.state()).toBe('connecting');
    expect(types(stage.sent).slice(-2)).toEqual(['command.park', 'session.connect']);
    stage.hear(...UP_TO_RUNNING, 'command.exited', ...CLEANED_UP);
    expect(stage.output()?.exitCode).toBe(0);
  });

  it('does not rejoin after a TERM', () => {
    const stage = onStage({ onLost: 'rejoin' });
    stage.hear(...UP_TO_RUNNING, 'session.lost (expired)', signals.TERM);
    stage.hear('command.stopped', 'session.closed');
    expect(stage.output()?.exitCode).toBe(124);
  });

  it('is stopped when its guard can’t be replaced', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, 'guard.failed', ...CLEANED_UP);
    expect(stage.output()?.exitCode).toBe(125);
  });
});

describe('cleanup', () => {
  it('keeps the lock while processes survive SIGKILL, and ends with 125 when the session is lost', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, signals.TERM, 'command.unkillable', 'command.unkillable');
    expect(stage.state()).toBe('cleanup.stopping');
    expect(types(stage.sent)).not.toContain('lock.release');
    stage.hear('session.lost (expired)', 'command.unkillable');
    expect(types(stage.sent).slice(-2)).toEqual(['session.abandon', 'session.close']);
    stage.hear('session.closed');
    expect(stage.output()?.exitCode).toBe(125);
  });

  it('goes on with the earlier deadline when the session is lost meanwhile', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, signals.TERM, 'session.lost (lease ending)');
    expect(stage.sent.at(-1)).toEqual({ type: 'command.stop', graceMs: 5000, deadline: 29_000 });
    stage.hear({ type: 'command.exited', exit: { code: 3, signal: null }, byGuard: false });
    stage.hear('command.stopped', 'session.closed');
    // A stop on request keeps the command's status.
    expect(stage.output()?.exitCode).toBe(3);
  });

  it('does not wait for a release that can no longer come', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, 'command.exited', 'command.stopped', 'session.lost (expired)');
    expect(stage.state()).toBe('cleanup.closing');
  });

  it('reports a command that can’t be found as 127', () => {
    const stage = onStage();
    stage.hear('session.established', 'lock.granted', 'lock.confirmed', 'command.failed (127)');
    stage.hear(...CLEANED_UP);
    expect(stage.output()?.exitCode).toBe(127);
  });
});

describe('--max-runtime', () => {
  it('stops a command that exceeds it, with its own exit status', () => {
    const stage = onStage({ maxRuntimeMs: 5000 });
    stage.hear(...UP_TO_RUNNING);
    stage.clock.increment(4999);
    expect(stage.state()).toBe('running');
    stage.clock.increment(1);
    expect(stage.state()).toBe('cleanup.stopping');
    expect(stage.sent.at(-1)).toEqual({ type: 'command.stop', graceMs: 5000, deadline: null });
    stage.hear('command.exited', ...CLEANED_UP);
    expect(stage.output()).toMatchObject({ exitCode: 123, outcome: { kind: 'timedOut' } });
  });

  it('continues to count while suspended', () => {
    const stage = onStage({ maxRuntimeMs: 5000 });
    stage.hear(...UP_TO_RUNNING, 'session.suspended');
    stage.clock.increment(5000);
    expect(stage.state()).toBe('cleanup.stopping');
  });

  it('starts again for the next command after a loss', () => {
    const stage = onStage({ maxRuntimeMs: 5000, onLost: 'rejoin' });
    stage.hear(...UP_TO_RUNNING);
    stage.clock.increment(4000);
    stage.hear('session.lost (expired)', 'command.stopped', ...UP_TO_RUNNING);
    stage.clock.increment(4999);
    expect(stage.state()).toBe('running');
    stage.clock.increment(1);
    expect(stage.state()).toBe('cleanup.stopping');
  });
});

describe('--hold', () => {
  it('keeps the lock of a command that exited earlier, and its exit status', () => {
    const stage = onStage({ holdMs: 5000 });
    stage.hear(...UP_TO_RUNNING);
    stage.clock.increment(1000);
    stage.hear('command.exited', 'command.stopped', 'lease.renewed');
    expect(stage.state()).toBe('cleanup.holding');
    stage.clock.increment(3999);
    expect(stage.state()).toBe('cleanup.holding');
    stage.clock.increment(1);
    expect(stage.state()).toBe('cleanup.releasing');
    stage.hear('lock.released', 'session.closed');
    expect(stage.output()).toMatchObject({ exitCode: 0, outcome: { kind: 'exited' } });
  });

  it('has no effect on a command that runs longer', () => {
    const stage = onStage({ holdMs: 5000 });
    stage.hear(...UP_TO_RUNNING);
    stage.clock.increment(5000);
    stage.hear('command.exited', 'command.stopped');
    expect(stage.state()).toBe('cleanup.releasing');
  });

  it('can end while processes that outlived the command are being stopped', () => {
    const stage = onStage({ holdMs: 5000 });
    stage.hear(...UP_TO_RUNNING, 'command.exited');
    stage.clock.increment(5000);
    stage.hear('command.stopped');
    expect(stage.state()).toBe('cleanup.releasing');
  });

  it('does not apply to a command that was stopped on request', () => {
    const stage = onStage({ holdMs: 5000 });
    stage.hear(...UP_TO_RUNNING, 'signal TERM', 'command.stopped');
    expect(stage.state()).toBe('cleanup.releasing');
  });

  it.each(['signal TERM', 'signal INT'] as const)('ends at %s', (signal) => {
    const stage = onStage({ holdMs: 5000 });
    stage.hear(...UP_TO_RUNNING, 'command.exited', 'command.stopped', signal);
    expect(stage.state()).toBe('cleanup.releasing');
  });

  it('ends with the session; the exit status is still the command’s', () => {
    const stage = onStage({ holdMs: 5000 });
    stage.hear(...UP_TO_RUNNING, 'command.exited', 'command.stopped', 'session.lost (expired)');
    expect(stage.state()).toBe('cleanup.closing');
    stage.hear('session.closed');
    expect(stage.output()).toMatchObject({ exitCode: 0, outcome: { kind: 'exited' } });
  });
});

describe('--once-per', () => {
  const once = { oncePerMs: 600_000, skipExitCode: 75 };

  it('runs nothing if another run has succeeded recently, and has its data', () => {
    const stage = onStage(once);
    stage.hear('session.established', 'lock.granted', 'lock.confirmed (ran lately)');
    expect(stage.state()).toBe('cleanup.stopping');
    stage.hear(...CLEANED_UP);
    expect(types(stage.sent)).not.toContain('command.start');
    expect(stage.output()).toMatchObject({
      exitCode: 75,
      outcome: {
        kind: 'skipped',
        lastRun: { agoMs: 185_000, label: 'db1 pid 1 (make-report)' },
      },
    });
  });

  it('runs nothing if the grant comes with a confirmed lease either', () => {
    const stage = onStage(once);
    stage.hear('session.established', 'lock.confirmed (ran lately)', ...CLEANED_UP);
    expect(types(stage.sent)).not.toContain('command.arm');
    expect(stage.output()).toMatchObject({ exitCode: 75, outcome: { kind: 'skipped' } });
  });

  it('runs if that was too long ago, and records a success before the release', () => {
    const stage = onStage({ ...once, oncePerMs: 185_000 });
    stage.hear('session.established', 'lock.granted', 'lock.confirmed (ran lately)');
    stage.hear('command.armed', 'command.started', 'command.exited', 'command.stopped');
    expect(stage.state()).toBe('cleanup.recording');
    expect(stage.sent.at(-1)).toEqual({ type: 'run.record' });
    stage.hear('run.recorded');
    expect(stage.state()).toBe('cleanup.releasing');
    stage.hear('lock.released', 'session.closed');
    expect(stage.output()).toMatchObject({ exitCode: 0, outcome: { kind: 'exited' } });
  });

  it.each([
    { code: 1, signal: null },
    { code: null, signal: { name: 'SIGKILL', number: 9 } },
  ])('writes no failure down: %j', (exit) => {
    const stage = onStage(once);
    stage.hear(
      ...UP_TO_RUNNING,
      { type: 'command.exited', exit, byGuard: false },
      'command.stopped',
    );
    expect(stage.state()).toBe('cleanup.releasing');
  });

  it('records nothing when it was stopped, although the command exited with 0', () => {
    const stage = onStage(once);
    stage.hear(...UP_TO_RUNNING, 'signal TERM', 'command.exited', 'command.stopped');
    expect(stage.state()).toBe('cleanup.releasing');
  });

  it('records nothing when the session was lost first', () => {
    const stage = onStage(once);
    stage.hear(...UP_TO_RUNNING, 'command.exited', 'session.lost (expired)', 'command.stopped');
    expect(stage.state()).toBe('cleanup.closing');
  });

  it('is recorded while the lease lasts, unless a signal ends that', () => {
    const stage = onStage(once);
    stage.hear(...UP_TO_RUNNING, 'command.exited', 'command.stopped', 'session.suspended');
    stage.hear('lease.renewed', 'session.resumed', 'signal USR1');
    expect(stage.state()).toBe('cleanup.recording');
    stage.hear('signal INT');
    expect(stage.state()).toBe('cleanup.releasing');
    stage.hear('run.recorded', 'lock.released', 'session.closed');
    expect(stage.output()).toMatchObject({ exitCode: 0, outcome: { kind: 'exited' } });
  });

  it('is recorded before the lock is kept for --hold', () => {
    const stage = onStage({ ...once, holdMs: 5000 });
    stage.hear(...UP_TO_RUNNING, 'command.exited', 'command.stopped', 'run.recorded');
    expect(stage.state()).toBe('cleanup.holding');
  });
});

describe('a process that outlives the command’s first process', () => {
  const succeeded = { code: 0, signal: null };
  const exited = { type: 'command.exited', exit: succeeded, byGuard: false } as const;
  const stopped = (exit: CommandExit) =>
    ({
      type: 'command.stopped',
      exit,
      how: { means: 'SIGTERM', stragglers: ['agent[13]'] },
    }) as const;

  it('turns a success into 122 if it had to be stopped, and records nothing', () => {
    const stage = onStage({ oncePerMs: 600_000 });
    stage.hear(...UP_TO_RUNNING, exited, stopped(succeeded));
    expect(stage.state()).toBe('cleanup.releasing');
    stage.hear('lock.released', 'session.closed');
    expect(stage.output()).toMatchObject({
      exitCode: 122,
      outcome: { kind: 'leftovers', processes: ['agent[13]'], signal: null },
    });
    expect(types(stage.sent)).not.toContain('run.record');
  });

  it('does not change the status of a failure', () => {
    const stage = onStage();
    const exit = { code: 3, signal: null };
    stage.hear(...UP_TO_RUNNING, { ...exited, exit }, stopped(exit), 'lock.released');
    stage.hear('session.closed');
    expect(stage.output()).toMatchObject({ exitCode: 3, outcome: { kind: 'exited' } });
  });

  it('turns a success into a failure also if it was stopped because the session was lost', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, exited, 'session.lost (lease ending)', stopped(succeeded));
    stage.hear('session.closed');
    expect(stage.output()?.exitCode).toBe(122);
  });

  it('does not end --hold sooner', () => {
    const stage = onStage({ holdMs: 5000 });
    stage.hear(...UP_TO_RUNNING, exited, stopped(succeeded));
    expect(stage.state()).toBe('cleanup.holding');
    stage.hear('hold.over', 'lock.released', 'session.closed');
    expect(stage.output()?.exitCode).toBe(122);
  });

  describe('with --wait-for-all', () => {
    const all = { leftovers: 'await', oncePerMs: 600_000 } as const;

    it('is waited for, with the lease renewed, before the success is recorded', () => {
      const stage = onStage(all);
      stage.hear(...UP_TO_RUNNING, exited, 'lease.renewed');
      expect(stage.state()).toBe('running');
      expect(types(stage.sent)).not.toContain('command.stop');
      expect(stage.sent.at(-1)?.type).toBe('command.extend');
      stage.hear('session.suspended', 'session.resumed', 'command.stopped');
      // The supervisor answers at once.
      expect(stage.state()).toBe('cleanup.stopping');
      stage.hear('command.stopped');
      expect(stage.state()).toBe('cleanup.recording');
      stage.hear('run.recorded', 'lock.released', 'session.closed');
      expect(stage.output()).toMatchObject({ exitCode: 0, outcome: { kind: 'exited' } });
    });

    it('is stopped on SIGTERM, which is not a success', () => {
      const stage = onStage(all);
      stage.hear(...UP_TO_RUNNING, exited, 'signal TERM');
      expect(stage.sent.at(-1)).toEqual({ type: 'command.stop', graceMs: 5000, deadline: null });
      stage.hear(stopped(succeeded), 'lock.released', 'session.closed');
      expect(stage.output()).toMatchObject({ exitCode: 122, outcome: { kind: 'leftovers' } });
      expect(types(stage.sent)).not.toContain('run.record');
    });

    it('gets the signals of the command', () => {
      const stage = onStage(all);
      stage.hear(...UP_TO_RUNNING, exited, 'signal USR1');
      expect(stage.sent.at(-1)).toEqual({ type: 'command.signal', signal: 'SIGUSR1' });
    });

    it('is stopped by --max-runtime: 123', () => {
      const stage = onStage({ ...all, maxRuntimeMs: 5000 });
      stage.hear(...UP_TO_RUNNING, exited);
      stage.clock.increment(5000);
      expect(stage.state()).toBe('cleanup.stopping');
      stage.hear(stopped(succeeded), 'lock.released', 'session.closed');
      expect(stage.output()?.exitCode).toBe(123);
    });

    it('is lost if the guard killed it: 124', () => {
      const stage = onStage(all);
      stage.hear(...UP_TO_RUNNING, exited, stopped(succeeded));
      expect(stage.state()).toBe('lost.stopping');
      stage.hear('command.stopped', 'session.closed');
      expect(stage.output()).toMatchObject({ exitCode: 124, outcome: { kind: 'lost' } });
    });
  });
});
