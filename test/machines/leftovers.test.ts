/** Runs of the machine in which processes outlive the first process of the command. */
import { describe, expect, it } from 'vitest';
import type { CommandExit } from '../../machines/outcome.ts';
import { onStage, typesOf, UP_TO_RUNNING } from './stage.ts';

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
    expect(typesOf(stage.sent)).not.toContain('run.record');
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
      expect(typesOf(stage.sent)).not.toContain('command.stop');
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
      expect(typesOf(stage.sent)).not.toContain('run.record');
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
