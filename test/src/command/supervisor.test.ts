/** The supervisor's contract with the machine: stop, signals, a second execution, dispose. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/util/clock.ts';
import { until } from '../../support/until.ts';
import {
  carriers,
  cleanUp,
  GRANT,
  leaseOf,
  lineIn,
  newGuid,
  supervise,
  temporaryDirectory,
} from './harness.ts';

afterEach(cleanUp);

/** cgroups of this process that still exist. */
function ownCgroups(): readonly string[] {
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  const mount = /^\d+ \d+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1];
  if (mount === undefined) return [];
  return readdirSync(join(mount, own)).filter((name) => name.startsWith(`lockex-${process.pid}-`));
}

/** Writes 'ready' and then a line for each signal that it gets; SIGTERM does not end it. */
function recorder(file: string): string {
  const traps = ['TERM', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2', 'WINCH', 'CONT']
    .map((name) => `trap 'echo ${name} >>${file}' ${name}`)
    .join('; ');
  return `${traps}; echo ready >>${file}; while :; do sleep 0.05; done`;
}

describe.each(['auto', 'group'] as const)('with scope %s', (scope) => {
  it('a command that obeys SIGTERM is not killed', async () => {
    const { supervisor, events, run } = supervise({
      command: { kind: 'shell', line: 'sleep 200' },
      scope,
    });
    await run();
    supervisor.send({ type: 'command.stop', graceMs: 20_000, deadline: null });
    const { exit, how } = await events.next('command.stopped');
    expect(exit?.signal).toEqual({ name: 'SIGTERM', number: 15 });
    expect(how).toEqual({ means: 'SIGTERM', stragglers: [] });
  });

  it('a second stop without a grace kills at once', async () => {
    const file = join(temporaryDirectory(), 'signals');
    const { supervisor, events, run } = supervise({
      command: { kind: 'shell', line: recorder(file) },
      scope,
    });
    await run();
    await lineIn(file);
    supervisor.send({ type: 'command.stop', graceMs: 3_600_000, deadline: null });
    await until(() => readFileSync(file, 'utf8').includes('TERM'));
    supervisor.send({ type: 'command.stop', graceMs: 0, deadline: null });
    const { exit, how } = await events.next('command.stopped');
    expect(exit?.signal?.name).toBe('SIGKILL');
    expect(how.means).toBe('SIGKILL');
    expect(readFileSync(file, 'utf8').match(/TERM/g)).toHaveLength(1);
  });

  it('a deadline shortens the grace, and nothing is left at the deadline', async () => {
    const file = join(temporaryDirectory(), 'signals');
    const { supervisor, events, run } = supervise({
      command: { kind: 'shell', line: recorder(file) },
      scope,
    });
    const lease = leaseOf(4500, 4000);
    await run(lease);
    await lineIn(file);
    supervisor.send({ type: 'command.stop', graceMs: 60_000, deadline: lease.leaseEnd });
    const { how } = await events.next('command.stopped');
    expect(systemClock.now()).toBeLessThan(lease.leaseEnd);
    expect(how.means).toBe('SIGKILL');
    // Killed by lockex itself: the guard would have fired later.
    expect(readFileSync(file, 'utf8')).toContain('TERM');
  });
});

describe('signals', () => {
  it.each(['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'])(
    '%s reaches the command once',
    async (signal) => {
      const file = join(temporaryDirectory(), 'signals');
      const { supervisor, run } = supervise({
        command: { kind: 'shell', line: recorder(file) },
      });
      await run();
      await lineIn(file);
      supervisor.send({ type: 'command.signal', signal });
      await until(() => readFileSync(file, 'utf8').split('\n').length > 2);
      // A duplicate would have come before this one.
      const last = signal === 'SIGUSR2' ? 'SIGUSR1' : 'SIGUSR2';
      supervisor.send({ type: 'command.signal', signal: last });
      await until(() => readFileSync(file, 'utf8').includes(last.slice(3)));
      const seen = readFileSync(file, 'utf8').trim().split('\n');
      expect(seen).toEqual(['ready', signal.slice(3), last.slice(3)]);
    },
  );

  it('are not sent to a parked gate', async () => {
    const { supervisor, events, marker } = supervise({ command: { kind: 'shell', line: 'true' } });
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    await events.next('command.armed');
    const [gate] = carriers(marker);
    supervisor.send({ type: 'command.signal', signal: 'SIGINT' });
    supervisor.send({ type: 'command.start', grant: GRANT });
    expect((await events.next('command.started')).pid).toBe(gate?.pid);
    expect((await events.next('command.stopped')).exit?.code).toBe(0);
  });
});

describe('a supervisor', () => {
  it('that never parked reports at once that the command is stopped', async () => {
    const { supervisor, events } = supervise({ command: { kind: 'shell', line: 'true' } });
    supervisor.send({ type: 'command.stop', graceMs: 1000, deadline: null });
    const how = { means: 'none', stragglers: [] };
    expect(events.all).toEqual([{ type: 'command.stopped', exit: null, how }]);
  });

  it.each(['before', 'after'])('that is stopped %s it is armed leaves nothing', async (when) => {
    const guid = newGuid();
    const { supervisor, events, marker } = supervise({
      command: { kind: 'shell', line: 'sleep 200' },
      guid,
    });
    supervisor.send({ type: 'command.park' });
    if (when === 'after') {
      supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
      await events.next('command.armed');
    }
    supervisor.send({ type: 'command.stop', graceMs: 60_000, deadline: null });
    const { exit, how } = await events.next('command.stopped');
    expect(exit).toBeNull();
    expect(how.means).toBe('none');
    expect(carriers(marker)).toEqual([]);
    expect(events.types).not.toContain('command.exited');
  });

  it('can be parked again after it has stopped', async () => {
    const file = join(temporaryDirectory(), 'tokens');
    const line = `echo $LOCKEX_FENCING_TOKEN >>${file}`;
    const { supervisor, events, run } = supervise({ command: { kind: 'shell', line } });
    await run();
    await events.next('command.stopped');
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    await events.next('command.armed');
    supervisor.send({ type: 'command.start', grant: { ...GRANT, fencingToken: '4712' } });
    await events.next('command.stopped');
    expect(readFileSync(file, 'utf8')).toBe(`${GRANT.fencingToken}\n4712\n`);
  });

  it('reports nothing of the command before it is armed, in any order of commands', async () => {
    const { supervisor, events } = supervise({ command: { kind: 'shell', line: 'exit 4' } });
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.start', grant: GRANT });
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    await events.next('command.stopped');
    expect(events.types).toEqual([
      'command.armed',
      'command.started',
      'command.exited',
      'command.stopped',
    ]);
  });

  it('reports that it is armed for each command.arm', async () => {
    const { supervisor, events } = supervise({ command: { kind: 'shell', line: 'exit 4' } });
    supervisor.send({ type: 'command.park' });
    // As if the connection was lost before the answer, and the lock was granted again.
    const lease = leaseOf(60_000);
    for (const again of [lease, lease, leaseOf(70_000)]) {
      supervisor.send({ type: 'command.arm', lease: again });
      await events.next('command.armed');
    }
    supervisor.send({ type: 'command.start', grant: GRANT });
    expect((await events.next('command.stopped')).exit?.code).toBe(4);
  });

  it.each([true, false])('that is disposed of (guard: %s) leaves nothing', async (guard) => {
    const { supervisor, events, run, marker } = supervise({
      guard,
      command: { kind: 'shell', line: "trap '' TERM; setsid sleep 200 & sleep 200; sleep 200" },
    });
    await run();
    await until(() => carriers(marker).length >= 3);
    const reported = events.all.length;
    supervisor.dispose();
    await until(() => carriers(marker).length === 0);
    expect(events.all).toHaveLength(reported);
    await until(() => ownCgroups().length === 0, 'the removal of the cgroup');
  });
});
