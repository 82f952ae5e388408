/** Runs of the machine from the start of the command to its cleanup. */
import { describe, expect, it } from 'vitest';
import { signals } from './facts.ts';
import { CLEANED_UP, NEVER_RAN, onStage, typesOf, UP_TO_RUNNING } from './stage.ts';

describe('running', () => {
  it('is stopped by TERM, with a grace period, and killed by a second TERM; the exit status is the command’s', () => {
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
    expect(typesOf(stage.sent)).not.toContain('command.signal');
    expect(stage.state()).toBe('running');
  });

  it('keeps running through a short outage', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, 'session.suspended', 'lease.renewed', 'session.resumed');
    expect(stage.state()).toBe('running');
    expect(typesOf(stage.sent)).not.toContain('command.stop');
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
    'is lost when its guard has killed it, even if the lease seems valid (%s)',
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

  it('that never ran is not lost: lockex tries a new session, or ends with 125', () => {
    const stage = onStage({ lockTries: 2 });
    stage.hear('session.established', 'lock.granted', 'lock.confirmed', 'command.armed');
    stage.hear('session.lost (expired)');
    expect(stage.state()).toBe('lost.stopping');
    stage.hear(NEVER_RAN);
    expect(stage.state()).toBe('connecting');
    expect(typesOf(stage.sent).slice(-2)).toEqual(['command.park', 'session.connect']);
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

  it('is killed at once if another contender may already hold the lock', () => {
    const stage = onStage();
    stage.hear(...UP_TO_RUNNING, 'session.lost (expired)');
    expect(stage.sent.at(-1)).toEqual({ type: 'command.stop', graceMs: 0, deadline: null });
  });

  it('with --on-lost rejoin, joins with a new session once all processes have exited', () => {
    const stage = onStage({ onLost: 'rejoin' });
    stage.hear(...UP_TO_RUNNING, 'session.lost (expired)');
    expect(stage.state()).toBe('lost.stopping');
    stage.hear('command.exited', 'command.stopped');
    expect(stage.state()).toBe('connecting');
    expect(typesOf(stage.sent).slice(-2)).toEqual(['command.park', 'session.connect']);
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
    expect(typesOf(stage.sent)).not.toContain('lock.release');
    stage.hear('session.lost (expired)', 'command.unkillable');
    expect(typesOf(stage.sent).slice(-2)).toEqual(['session.abandon', 'session.close']);
    stage.hear('session.closed');
    expect(stage.output()?.exitCode).toBe(125);
  });

  it('continues with the earlier deadline when the session is lost meanwhile', () => {
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
