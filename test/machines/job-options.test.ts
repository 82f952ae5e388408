/** Runs of the machine with --max-runtime, --hold and --once-per. */
import { describe, expect, it } from 'vitest';
import { CLEANED_UP, onStage, typesOf, UP_TO_RUNNING } from './stage.ts';

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

  it('runs nothing if another run has succeeded recently, and reports that run', () => {
    const stage = onStage(once);
    stage.hear('session.established', 'lock.granted', 'lock.confirmed (ran lately)');
    expect(stage.state()).toBe('cleanup.stopping');
    stage.hear(...CLEANED_UP);
    expect(typesOf(stage.sent)).not.toContain('command.start');
    expect(stage.output()).toMatchObject({
      exitCode: 75,
      outcome: {
        kind: 'skipped',
        lastRun: { agoMs: 185_000, label: 'db1 pid 1 (make-report)' },
      },
    });
  });

  it('also runs nothing if the grant comes with a confirmed lease', () => {
    const stage = onStage(once);
    stage.hear('session.established', 'lock.confirmed (ran lately)', ...CLEANED_UP);
    expect(typesOf(stage.sent)).not.toContain('command.arm');
    expect(stage.output()).toMatchObject({ exitCode: 75, outcome: { kind: 'skipped' } });
  });

  it('runs if the last success was too long ago, and records a success before the release', () => {
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
  ])('does not record a failed run: %j', (exit) => {
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
