/**
 * The guard: the command is dead in time if lockex dies or hangs. Faults are made by signals to the
 * holder (a process with a supervisor) and to the guard, and by blocking the holder's event loop.
 */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/util/clock.ts';
import { isStill, readProcess } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import {
  carriers,
  cleanUp,
  GRANT,
  hold,
  leaseOf,
  lineIn,
  runningGuard,
  SHELLS,
  supervise,
  temporaryDirectory,
} from '../harness.ts';
import {
  guardOf,
  RUNNING,
  SLEEPER,
  sessionOf,
  stopSession,
  textOf,
  wordsOf,
} from './guard-processes.ts';

afterEach(cleanUp);

const WAYS = SHELLS.flatMap(([name, shell]) =>
  (['auto', 'group'] as const).map((scope) => ({ name, shell, scope })),
);

describe.each(WAYS)('the guard in $name, scope $scope', ({ shell, scope }) => {
  it('kills the command when lockex is killed, and ends', async () => {
    const holder = await hold({ command: SLEEPER, shell, scope });
    const command = await holder.run();
    const guard = guardOf(holder.identity.pid);
    process.kill(holder.identity.pid, 'SIGKILL');
    await until(() => !isStill(command) && carriers(holder.marker).length === 0);
    await until(() => sessionOf(guard).length === 0, "the guard's end");
  });

  it('kills the command before the lease ends when lockex is stopped', async () => {
    const holder = await hold({ command: SLEEPER, shell, scope });
    const lease = leaseOf(3500, 3000);
    const command = await holder.run(lease);
    process.kill(holder.identity.pid, 'SIGSTOP');
    await until(() => !isStill(command));
    expect(systemClock.now()).toBeLessThan(lease.leaseEnd);
    process.kill(holder.identity.pid, 'SIGCONT');
    expect(await holder.events.next('command.exited')).toMatchObject({ byGuard: true });
    expect((await holder.events.next('command.stopped')).how.means).toBe('SIGKILL');
  });

  it('kills the command before the lease ends when the event loop is blocked', async () => {
    const holder = await hold({ command: SLEEPER, shell, scope });
    const lease = leaseOf(3500, 3000);
    const command = await holder.run(lease);
    holder.send({ type: 'holder.block', ms: 20_000 });
    await until(() => !isStill(command));
    expect(systemClock.now()).toBeLessThan(lease.leaseEnd);
  });

  it('does not fire while the deadline is moved', async () => {
    const { supervisor, events, run } = supervise({ command: SLEEPER, shell, scope });
    const lifeMs = 3500;
    const end = systemClock.now() + 1.2 * lifeMs;
    await run(leaseOf(lifeMs));
    while (systemClock.now() < end) {
      supervisor.send({ type: 'command.extend', lease: leaseOf(lifeMs) });
      await pause(100);
    }
    expect(events.types).not.toContain('command.exited');
    supervisor.send({ type: 'command.stop', graceMs: 0, deadline: null });
    expect((await events.next('command.stopped')).how.means).toBe('SIGKILL');
  });

  it('is replaced when it is killed, without harm to the command', async () => {
    const { supervisor, events, run, logs } = supervise({ command: SLEEPER, shell, scope });
    const pid = await run();
    const guard = await runningGuard(supervisor);
    process.kill(guard, 'SIGKILL');
    await until(() => supervisor.guardPid !== null && supervisor.guardPid !== guard);
    expect(logs.join()).toContain('starting another');
    supervisor.send({ type: 'command.extend', lease: leaseOf(60_000) });
    expect(readProcess(pid)?.state).toMatch(RUNNING);
    expect(events.types).not.toContain('guard.failed');
  });

  it('is replaced when it is stopped, because its echo is missed', async () => {
    const { supervisor, events, run } = supervise({ command: SLEEPER, shell, scope });
    const pid = await run();
    const guard = await runningGuard(supervisor);
    stopSession(guard);
    // A new deadline: one that was echoed is not sent again.
    supervisor.send({ type: 'command.extend', lease: leaseOf(61_000) });
    await until(() => supervisor.guardPid !== null && supervisor.guardPid !== guard);
    await until(() => sessionOf(guard).length === 0, 'the end of the stopped one');
    expect(readProcess(pid)?.state).toMatch(RUNNING);
    expect(events.types).not.toContain('guard.failed');
  });

  it('passes the credentials to the stdin of the reaper once everything is dead', async () => {
    const directory = temporaryDirectory();
    const [out, pid] = [join(directory, 'out'), join(directory, 'pid')];
    const line = `echo $$ >${pid}; trap '' TERM; sleep 300 & sleep 300; sleep 300`;
    const alive = `kill -0 $(cat ${pid}) 2>&- && ! grep -q '^State:.Z' /proc/$(cat ${pid})/status`;
    const script = `read -r all; ${alive} && all=alive; echo "$all \${#}" >${out}`;
    const holder = await hold(
      { command: { kind: 'shell', line }, shell, scope },
      {
        reaper: { argv: ['/bin/sh', '-c', script, 'r', 'two words', ''], credentials: 'x\\ *y z' },
      },
    );
    const command = await holder.run();
    const guard = guardOf(holder.identity.pid);
    await lineIn(pid);
    expect(wordsOf(guard).join(' ')).not.toMatch(/lockex|x\\ \*y/);
    const environment = readFileSync(`/proc/${guard}/environ`, 'utf8').split('\0');
    expect(environment.join('\n')).not.toMatch(/LOCKEX|x\\ \*y/);
    // Without these, bash would look up the user.
    expect(environment).toEqual(expect.arrayContaining(['HOME=/', 'SHELL=/bin/sh']));
    process.kill(holder.identity.pid, 'SIGKILL');
    expect(await lineIn(out)).toBe('x\\ *y z 2');
    expect(isStill(command)).toBe(false);
  });

  it('ends with lockex and does nothing, even if it was stopped', async () => {
    const out = join(temporaryDirectory(), 'out');
    const holder = await hold(
      { command: { kind: 'shell', line: 'exit 3' }, shell, scope },
      { reaper: { argv: ['/bin/touch', out], credentials: 'secret' } },
    );
    holder.send({ type: 'command.park' });
    holder.send({ type: 'command.arm', lease: leaseOf(60_000) });
    await holder.events.next('command.armed');
    const guard = guardOf(holder.identity.pid);
    stopSession(guard);
    holder.send({ type: 'command.start', grant: GRANT });
    await holder.events.next('command.stopped');
    holder.send({ type: 'holder.end' });
    await until(() => sessionOf(guard).length === 0, "the guard's end");
    expect(existsSync(out)).toBe(false);
  });

  it('kills a gate that was never opened when lockex is killed', async () => {
    const holder = await hold({ command: SLEEPER, shell, scope });
    holder.send({ type: 'command.park' });
    holder.send({ type: 'command.arm', lease: leaseOf(60_000) });
    await holder.events.next('command.armed');
    expect(carriers(holder.marker)).toHaveLength(1);
    const guard = guardOf(holder.identity.pid);
    process.kill(holder.identity.pid, 'SIGKILL');
    await until(() => carriers(holder.marker).length === 0 && sessionOf(guard).length === 0);
  });
});

describe('the guard', () => {
  it('cannot be started: nothing of the command ever runs', async () => {
    const file = join(temporaryDirectory(), 'ran');
    const { supervisor, events } = supervise({
      command: { kind: 'shell', line: `touch ${file}` },
      // Not a shell: the gate cannot be parked with it either.
      shell: ['/bin/false'],
    });
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    supervisor.send({ type: 'command.start', grant: GRANT });
    expect((await events.next('command.failed')).exitCode).toBe(125);
    expect(existsSync(file)).toBe(false);
  });

  it('is not wanted: armed at once, and reported as unguarded', async () => {
    const { supervisor, events } = supervise({ command: SLEEPER, guard: false });
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    expect((await events.next('command.armed')).guarded).toBe(false);
    expect(supervisor.guardPid).toBeNull();
  });

  it('does not let a command start on a lease that is over', async () => {
    const file = join(temporaryDirectory(), 'ran');
    const { supervisor, events } = supervise({ command: { kind: 'shell', line: `touch ${file}` } });
    supervisor.send({ type: 'command.park' });
    const lease = leaseOf(1000);
    supervisor.send({ type: 'command.arm', lease });
    await events.next('command.armed');
    await until(() => systemClock.now() > lease.leaseEnd);
    supervisor.send({ type: 'command.start', grant: GRANT });
    await pause(300);
    expect(existsSync(file)).toBe(false);
    expect(events.types).not.toContain('command.started');
  });

  it('ignores the usual signals of systemd or a user', async () => {
    const { supervisor, events, run } = supervise({ command: SLEEPER });
    await run();
    const guard = await runningGuard(supervisor);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1'] as const) {
      process.kill(guard, signal);
    }
    supervisor.send({ type: 'command.extend', lease: leaseOf(50_000) });
    await pause(1500);
    expect(supervisor.guardPid).toBe(guard);
    expect(events.types).not.toContain('command.exited');
  });

  it('and the gate keep no output open, and use little memory', async () => {
    const [, dash] = SHELLS[0] ?? [];
    const { supervisor, marker, events } = supervise({ command: SLEEPER, shell: dash ?? [] });
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    await events.next('command.armed');
    const guard = await runningGuard(supervisor);
    const all = [...sessionOf(guard), ...carriers(marker).map(({ pid }) => pid)];
    const privateKb = all.map((pid) => {
      const rollup = textOf(`/proc/${pid}/smaps_rollup`);
      return [...rollup.matchAll(/^Private_\w+:\s+(\d+)/gm)].reduce(
        (sum, m) => sum + Number(m[1]),
        0,
      );
    });
    expect(privateKb.reduce((sum, kb) => sum + kb, 0)).toBeLessThan(5 * 1024);
    expect(privateKb.length).toBeGreaterThan(1);
    // 0 is its own pipe while it reads.
    for (const fd of [1, 2]) expect(readlinkSync(`/proc/${guard}/fd/${fd}`)).toBe('/dev/null');
  });
});
