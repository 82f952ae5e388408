/** The supervisor's contract with the machine: stop, signals, another life, and the last resort. */
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
  temporaryFolder,
} from './harness.ts';

afterEach(cleanUp);

/** cgroups made by this process that are still there. */
function ownFolders(): readonly string[] {
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  const mount = /^\d+ \d+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1];
  if (mount === undefined) return [];
  return readdirSync(join(mount, own)).filter((name) => name.startsWith(`lockex-${process.pid}-`));
}

/** Writes a line for each signal that it gets, and 'ready' first; SIGTERM is not its end. */
function recorder(file: string): string {
  const traps = ['TERM', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2', 'WINCH', 'CONT']
    .map((name) => `trap 'echo ${name} >>${file}' ${name}`)
    .join('; ');
  return `${traps}; echo ready >>${file}; while :; do sleep 0.05; done`;
}

describe.each(['auto', 'group'] as const)('with scope %s', (scope) => {
  it('SIGTERM is enough for who obeys it', async () => {
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

  it('a second stop without grace kills at once', async () => {
    const file = join(temporaryFolder(), 'signals');
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

  it('a deadline cuts the grace short, and everything is dead by it', async () => {
    const file = join(temporaryFolder(), 'signals');
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
    // By lockex itself: the guard, which comes later, was not needed.
    expect(readFileSync(file, 'utf8')).toContain('TERM');
  });
});

describe('signals', () => {
  it.each(['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'])(
    '%s reaches the command once',
    async (signal) => {
      const file = join(temporaryFolder(), 'signals');
      const { supervisor, run } = supervise({
        command: { kind: 'shell', line: recorder(file) },
      });
      await run();
      await lineIn(file);
      supervisor.send({ type: 'command.signal', signal });
      await until(() => readFileSync(file, 'utf8').split('\n').length > 2);
      // A second one would have come with the first; this one shows that nothing is under way.
      const last = signal === 'SIGUSR2' ? 'SIGUSR1' : 'SIGUSR2';
      supervisor.send({ type: 'command.signal', signal: last });
      await until(() => readFileSync(file, 'utf8').includes(last.slice(3)));
      const seen = readFileSync(file, 'utf8').trim().split('\n');
      expect(seen).toEqual(['ready', signal.slice(3), last.slice(3)]);
    },
  );

  it('are not for a gate that is parked', async () => {
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
  it('that never parked says at once that nothing runs', async () => {
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
    const file = join(temporaryFolder(), 'tokens');
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

  it('tells nothing of the command before it was armed, whatever the order of its orders', async () => {
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

  it('says that it is armed each time that it is asked to be', async () => {
    const { supervisor, events } = supervise({ command: { kind: 'shell', line: 'exit 4' } });
    supervisor.send({ type: 'command.park' });
    // The connection is lost before the answer comes: nobody hears it, and all is asked anew.
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
    const told = events.all.length;
    supervisor.dispose();
    await until(() => carriers(marker).length === 0);
    expect(events.all).toHaveLength(told);
    await until(() => ownFolders().length === 0, 'the end of the cgroup');
  });
});
