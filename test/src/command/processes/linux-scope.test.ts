/**
 * The scope is the union of all means: processes that one of them misses are found by another. Real
 * escapes from a cgroup, from limits and from an environment; imitations by other users; processes
 * that lockex cannot signal.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Identity } from '../../../../src/command/options.ts';
import { isStill, readProcess } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import {
  cleanUp,
  hold,
  leaseOf,
  onCleanUp,
  pidIn,
  supervise,
  temporaryDirectory,
} from '../harness.ts';
import { AS_NOBODY, INITS, isRoot, killLater, logsOf, openDirectory } from './escape-helpers.ts';

afterEach(cleanUp);

describe.runIf(isRoot).each(INITS)(
  'with %s, a process that was moved to another cgroup',
  (_init, init) => {
    /** As systemd-logind does with the session of `su -`; here the process moves itself. */
    const line = (file: string) => {
      const root = execFileSync('findmnt', ['-n', '-o', 'TARGET', '-t', 'cgroup2'], {
        encoding: 'utf8',
      });
      const move = `echo 0 >${root.trim().split('\n')[0]}/cgroup.procs`;
      return `setsid sh -c 'trap "" TERM; ${move}; echo $$ >${file}; sleep 200; sleep 200' & sleep 200`;
    };

    it('is dead when lockex has stopped the command, and was reported', async () => {
      const file = join(temporaryDirectory(), 'pid');
      const { supervisor, events, logs, run } = supervise({
        command: { kind: 'shell', line: line(file) },
        ...init,
      });
      await run();
      const moved = await pidIn(file);
      killLater(moved);
      supervisor.send({ type: 'command.extend', lease: leaseOf(60_000) });
      supervisor.send({ type: 'command.extend', lease: leaseOf(60_000) });
      const reports = logs.filter((message) => message.includes('outside its cgroup'));
      expect(reports).toEqual([expect.stringContaining(`[${moved.pid}]`)]);
      supervisor.send({ type: 'command.stop', graceMs: 100, deadline: null });
      await events.next('command.stopped');
      expect(isStill(moved)).toBe(false);
    });

    it.each(['first process', 'child'])(
      'is dead when the guard has done it: the %s',
      async (which) => {
        const file = join(temporaryDirectory(), 'pid');
        const child = line(file);
        const first = child.replace(/^setsid sh -c '(.*)' & sleep 200$/, '$1');
        const holder = await hold({
          command: { kind: 'shell', line: which === 'child' ? child : first },
          ...init,
        });
        const command = await holder.run();
        const moved = await pidIn(file);
        killLater(moved);
        process.kill(holder.identity.pid, 'SIGKILL');
        await until(() => !isStill(moved) && !isStill(command), 'the end of both');
      },
    );
  },
);

/** Daemons of another user, started by root: PAM resets limits, all of them the environment. */
const DAEMON = (file: string) => `(setsid sh -c "echo \\$\\$ >${file}; exec sleep 200" &)`;
const AS_OTHERS: Record<string, (file: string) => string> = {
  'sudo -u': (file) => `sudo -n -u nobody sh -c '${DAEMON(file)}'`,
  'sudo -i': (file) => `sudo -n env -i PATH=/usr/bin:/bin sh -c '${DAEMON(file)}'`,
  su: (file) => `su nobody -s /bin/sh -c '${DAEMON(file)}'`,
  'su -': (file) => `su - nobody -s /bin/sh -c '${DAEMON(file)}'`,
  runuser: (file) => `runuser nobody -s /bin/sh -c '${DAEMON(file)}'`,
  'runuser -l': (file) => `runuser -l nobody -s /bin/sh -c '${DAEMON(file)}'`,
};

describe.runIf(isRoot).each(INITS)(
  'with %s and no cgroup, a daemon that root started by',
  (_init, init) => {
    it.each(Object.entries(AS_OTHERS))('%s is dead after a stop', async (_, lineOf) => {
      const file = join(openDirectory(), 'pid');
      const { events, run } = supervise({
        command: {
          kind: 'shell',
          line: `${lineOf(file)}; until [ -s ${file} ]; do sleep 0.01; done`,
        },
        scope: 'group',
      });
      await run();
      const daemon = await pidIn(file);
      killLater(daemon);
      await events.next('command.stopped');
      expect(isStill(daemon)).toBe(false);
    });

    it.each(Object.entries(AS_OTHERS))('%s is dead after the guard', async (_, lineOf) => {
      const file = join(openDirectory(), 'pid');
      const holder = await hold({
        command: { kind: 'shell', line: `${lineOf(file)}; sleep 200` },
        scope: 'group',
        ...init,
      });
      const command = await holder.run();
      const daemon = await pidIn(file);
      killLater(daemon);
      process.kill(holder.identity.pid, 'SIGKILL');
      await until(() => !isStill(daemon) && !isStill(command), 'the end of both');
    });
  },
);

describe.runIf(isRoot)('a mark, with no init and no cgroup,', () => {
  const limitOf = (pid: number) =>
    /^Max file locks\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))?.[1] ?? '';
  /** A process of another user with the same limit and the same variable. */
  const imitation = async (pid: number, marker: string) => {
    const args = [...AS_NOBODY, 'prlimit', `--locks=${limitOf(pid)}`, 'sleep', '200'];
    const child: ChildProcess = spawn('/usr/bin/env', args, {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', [marker]: '1' },
      stdio: 'ignore',
      detached: true,
    });
    onCleanUp(() => void child.kill('SIGKILL'));
    await until(() => readProcess(child.pid ?? 0)?.name === 'sleep', 'the imitation');
    return readProcess(child.pid ?? 0) as Identity;
  };

  it('of another user does not keep the lock, and its process is left alone', async () => {
    const { supervisor, events, marker, run } = supervise({
      command: { kind: 'shell', line: 'sleep 200' },
      scope: 'group',
      initRuntimes: [],
    });
    const pid = await run();
    const unrelated = await imitation(pid, marker);
    supervisor.send({ type: 'command.stop', graceMs: 100, deadline: null });
    await events.next('command.stopped');
    expect(isStill(unrelated)).toBe(true);
  });

  it('of another user does not keep the guard', async () => {
    const out = join(temporaryDirectory(), 'out');
    const holder = await hold(
      { command: { kind: 'shell', line: 'sleep 200' }, scope: 'group', initRuntimes: [] },
      { reaper: { argv: ['/bin/touch', out], credentials: 'x' } },
    );
    const command = await holder.run();
    const unrelated = await imitation(command.pid, holder.marker);
    process.kill(holder.identity.pid, 'SIGKILL');
    await until(() => existsSync(out), 'the reaper');
    expect(isStill(unrelated)).toBe(true);
  });

  it('that could not be set is not reported', async () => {
    const holder = await hold(
      { command: { kind: 'shell', line: 'sleep 200' }, scope: 'group', initRuntimes: [] },
      { through: ['/usr/bin/env', 'prlimit', '--locks=1000:1000', ...AS_NOBODY] },
    );
    holder.send({ type: 'command.park' });
    holder.send({ type: 'command.arm', lease: leaseOf(60_000) });
    const { scope } = await holder.events.next('command.armed');
    expect(scope).toContain('marks (environment)');
    expect(logsOf(holder).join()).toContain('no RLIMIT_LOCKS mark');
  });

  it("by timer slack is not in the gate's arguments, and other users cannot read it", async () => {
    const { supervisor, events } = supervise({
      command: { kind: 'shell', line: 'sleep 200' },
      scope: 'group',
      initRuntimes: [],
    });
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    expect((await events.next('command.armed')).scope).toContain('timer slack');
    supervisor.send({
      type: 'command.start',
      grant: { path: '/x', fencingToken: '1' },
    });
    const { pid } = await events.next('command.started');
    const slack = readFileSync(`/proc/${pid}/timerslack_ns`, 'latin1').trim();
    expect(Number(slack)).toBeGreaterThan(50_000);
    expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).not.toContain('SLACK');
    const ask = [...AS_NOBODY, 'cat', `/proc/${pid}/timerslack_ns`];
    expect(() => execFileSync('/usr/bin/env', ask, { stdio: 'pipe' })).toThrow(/not permitted/);
  });
});

describe.each(INITS)('with %s, a chain of forks, each in a session of its own', (_init, init) => {
  /** As fast as possible, for two minutes at most; every hundredth process leaves a trace. */
  const CHAIN = `
use POSIX; $SIG{TERM} = "IGNORE"; my $n = 0;
for (my $end = time + 120; time < $end; $n++) {
  fork and POSIX::_exit(0); setsid();
  if ($n % 100 == 0) { open my $file, ">>", $ARGV[0]; print $file "."; close $file }
}`;
  const isGrowing = async (file: string) => {
    const before = statSync(file).size;
    await pause(700);
    return statSync(file).size > before;
  };

  it('is dead before lockex reports the command as stopped', async () => {
    const file = join(temporaryDirectory(), 'links');
    const { supervisor, events, run } = supervise({
      command: {
        kind: 'shell',
        line: `perl -e '${CHAIN}' ${file} & until [ -s ${file} ]; do sleep 0.05; done`,
      },
      scope: 'group',
      killAfterMs: 100,
      ...init,
    });
    await run();
    await events.next('command.exited');
    supervisor.send({ type: 'command.stop', graceMs: 100, deadline: null });
    await events.next('command.stopped');
    expect(await isGrowing(file)).toBe(false);
  });

  it('is dead when the guard has ended', async () => {
    const file = join(temporaryDirectory(), 'links');
    const line = `perl -e '${CHAIN}' ${file} & sleep 200`;
    const holder = await hold({ command: { kind: 'shell', line }, scope: 'group', ...init });
    await holder.run();
    await until(() => existsSync(file) && statSync(file).size > 2);
    process.kill(holder.identity.pid, 'SIGKILL');
    await until(async () => !(await isGrowing(file)), 'the end of the chain');
  });
});
