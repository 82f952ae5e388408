import { afterEach, describe, expect, it } from 'vitest';
import type { LeaseInfo } from '../../../../machines/contract.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { readProcess } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import {
  carriers,
  cleanUp,
  GRANT,
  leaseOf,
  runningGuard,
  type Supervised,
  supervise,
} from '../harness.ts';
import { RUNNING, SLEEPER, stopSession } from './guard-processes.ts';

afterEach(cleanUp);

/** Armed before it is wanted: reported as soon as command.arm is sent. */
async function armedInAdvance(
  { supervisor, events }: Supervised,
  lease: LeaseInfo,
): Promise<number> {
  supervisor.send({ type: 'command.park' });
  supervisor.send({ type: 'command.extend', lease });
  await until(() => {
    supervisor.send({ type: 'command.arm', lease });
    return events.types.includes('command.armed');
  });
  return runningGuard(supervisor);
}

describe('a guard that was armed in advance', () => {
  it('is not waited for when the lock comes', async () => {
    const supervised = supervise({ command: { kind: 'shell', line: 'exit 6' } });
    const { supervisor, events } = supervised;
    const lease = leaseOf(60_000);
    await armedInAdvance(supervised, lease);
    const before = events.all.length;
    supervisor.send({ type: 'command.arm', lease });
    expect(events.types.slice(before)).toEqual(['command.armed']);
    supervisor.send({ type: 'command.start', grant: GRANT });
    expect((await events.next('command.stopped')).exit?.code).toBe(6);
  });

  it('has to echo a new deadline when the previous one is near', async () => {
    const supervised = supervise({ command: SLEEPER });
    const { supervisor, events } = supervised;
    await armedInAdvance(supervised, leaseOf(20_000));
    const before = events.all.length;
    supervisor.send({ type: 'command.arm', lease: leaseOf(90_000) });
    expect(events.types.slice(before)).toEqual([]);
    await until(() => events.types.slice(before).includes('command.armed'));
  });

  it('does not get each renewal, but gets the newest when the command starts', async () => {
    const supervised = supervise({ command: SLEEPER });
    const { supervisor, events } = supervised;
    const old = leaseOf(6000);
    await armedInAdvance(supervised, old);
    const before = events.all.length;
    const lease = leaseOf(9000);
    supervisor.send({ type: 'command.arm', lease });
    expect(events.types.slice(before)).toEqual(['command.armed']);
    supervisor.send({ type: 'command.start', grant: GRANT });
    const { pid } = await events.next('command.started');
    await until(() => systemClock.now() > old.leaseEnd);
    expect(readProcess(pid)?.state).toMatch(RUNNING);
    // By the guard: nothing else kills it here.
    expect(await events.next('command.exited')).toMatchObject({ byGuard: true });
    expect(systemClock.now()).toBeGreaterThan(old.leaseEnd);
  });

  it('and was stopped since is replaced as soon as the command starts', async () => {
    const supervised = supervise({ command: SLEEPER });
    const { supervisor, events } = supervised;
    const lease = leaseOf(60_000);
    const guard = await armedInAdvance(supervised, lease);
    stopSession(guard);
    supervisor.send({ type: 'command.start', grant: GRANT });
    const { pid } = await events.next('command.started');
    await until(() => supervisor.guardPid !== null && supervisor.guardPid !== guard);
    expect(readProcess(pid)?.state).toMatch(RUNNING);
    expect(events.types).not.toContain('guard.failed');
  });

  it('and cannot be replaced is only a warning before command.arm', async () => {
    const supervised = supervise({ command: SLEEPER });
    const { supervisor, events, logs } = supervised;
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.extend', lease: leaseOf(60_000) });
    for (let guards = 0; guards < 4; guards += 1) {
      await until(
        () => supervisor.guardPid !== null || logs.join().includes('its replacement failed'),
      );
      const guard = supervisor.guardPid;
      if (guard === null) break;
      process.kill(guard, 'SIGKILL');
      await until(() => supervisor.guardPid !== guard);
    }
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    await events.next('command.armed');
    expect(events.types).not.toContain('command.failed');
  });
});

describe.each(['auto', 'group'] as const)(
  'a lease that ended while the gate was shut, scope %s',
  (scope) => {
    it('has no effect, and the next lease starts the command', async () => {
      const { supervisor, events, marker } = supervise({
        command: { kind: 'shell', line: 'exit 6' },
        scope,
      });
      supervisor.send({ type: 'command.park' });
      const lease = leaseOf(1000);
      supervisor.send({ type: 'command.arm', lease });
      const { scope: means } = await events.next('command.armed');
      const [gate] = carriers(marker);
      const guard = await runningGuard(supervisor);
      // The guard reads the clock at least once a second: by then it would have fired.
      await until(() => systemClock.now() > lease.leaseEnd + 1500);
      expect(supervisor.guardPid).toBe(guard);
      supervisor.send({ type: 'command.start', grant: GRANT });
      supervisor.send({ type: 'command.extend', lease: leaseOf(60_000) });
      expect((await events.next('command.started')).pid).toBe(gate?.pid);
      const { exit, how } = await events.next('command.stopped');
      expect(exit?.code).toBe(6);
      expect(how.means).toBe('exited');
      expect(means.startsWith('cgroup')).toBe(scope === 'auto' && process.getuid?.() === 0);
    });
  },
);

it('the gate is not opened before a guard has echoed', async () => {
  const { supervisor, events } = supervise({ command: { kind: 'shell', line: 'sleep 200' } });
  supervisor.send({ type: 'command.park' });
  const first = await runningGuard(supervisor);
  stopSession(first);
  supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
  supervisor.send({ type: 'command.start', grant: GRANT });
  await events.next('command.started');
  // The stopped one could not echo: another one did.
  expect(supervisor.guardPid).not.toBe(first);
});
