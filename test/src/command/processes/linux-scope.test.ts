/**
 * The scope is the union of all means: processes that one of them misses are found by another. Real
 * escapes from a cgroup, from limits and from an environment; imitations by other users; processes
 * that lockex cannot signal.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Identity, SupervisorOptions } from '../../../../src/command/options.ts';
import { isStill, readProcess } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import {
  cleanUp,
  type Holder,
  hold,
  leaseOf,
  onCleanUp,
  pidIn,
  supervise,
  temporaryDirectory,
} from '../harness.ts';

afterEach(cleanUp);

const isRoot = process.getuid?.() === 0;
/** Debian's `nobody`: sudo and su need an existing user. */
const NOBODY = 65_534;
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];

/** A directory that the command of any user may write to. */
function openDirectory(): string {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o777);
  return directory;
}

/** Kills, after the test, a process that lockex must leave alone. */
function killLater(identity: Identity): void {
  onCleanUp(() => {
    if (!isStill(identity)) return;
    try {
      process.kill(identity.pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  });
}

function rootOfCgroups(): string {
  const words = ['-n', '-o', 'TARGET', '-t', 'cgroup2'];
  const [root = ''] = execFileSync('findmnt', words, { encoding: 'utf8' }).split('\n');
  return root;
}

/**
 * Removes it with its empty children, which a killed holder leaves; false while a process is in it.
 */
function isRemoved(cgroup: string): boolean {
  try {
    for (const entry of readdirSync(cgroup, { withFileTypes: true })) {
      if (entry.isDirectory()) rmdirSync(join(cgroup, entry.name));
    }
    rmdirSync(cgroup);
    return true;
  } catch {
    return false;
  }
}

function logsOf(holder: Holder): readonly string[] {
  return holder.events.all.flatMap((event) => {
    const { type, message } = event as { type: string; message?: string };
    return type === 'log' && message !== undefined ? [message] : [];
  });
}

/** The command's init: the interpreter of this host, or none. */
const INITS: readonly [string, Pick<SupervisorOptions, 'initRuntimes'>][] = [
  ['an init', {}],
  ['no init', { initRuntimes: [] }],
];

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
    const words = [...AS_NOBODY, 'prlimit', `--locks=${limitOf(pid)}`, 'sleep', '200'];
    const child: ChildProcess = spawn('/usr/bin/env', words, {
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
    const { reach } = await holder.events.next('command.armed');
    expect(reach).toContain('marks (environment)');
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
    expect((await events.next('command.armed')).reach).toContain('timer slack');
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

describe.runIf(isRoot)('a process that lockex cannot signal', () => {
  /**
   * A real sudo that permits everything to the user `nobody`; only this sudo sees its rules
   * (mount).
   */
  function asNobodyWithSudo(): readonly string[] {
    const rules = join(temporaryDirectory(), 'sudoers');
    writeFileSync(rules, 'nobody ALL=(ALL) NOPASSWD: ALL\n');
    chmodSync(rules, 0o440);
    const script = 'mount --bind "$0" /etc/sudoers && exec "$@"';
    return ['/usr/bin/env', 'unshare', '-m', 'sh', '-c', script, rules, ...AS_NOBODY];
  }

  const job = (file: string, trap: string) =>
    `sudo -n sh -c 'trap "${trap}" TERM; echo $$ >${file}; while :; do sleep 0.1; done'`;

  async function sudoJob(trap: string, around = (line: string) => line, init = {}) {
    const directory = openDirectory();
    const [file, asked] = [join(directory, 'pid'), join(directory, 'asked')];
    const line = around(job(file, trap.replace('ASKED', asked)));
    const holder = await hold(
      { command: { kind: 'shell', line }, ...init },
      { through: asNobodyWithSudo() },
    );
    const command = await holder.run();
    const root = await pidIn(file);
    killLater(root);
    return { holder, command, root, asked };
  }

  it('is reported at the next renewal of the lease, with the remedy', async () => {
    const { holder, root } = await sudoJob(':');
    holder.send({ type: 'command.extend', lease: leaseOf(60_000) });
    await until(() => logsOf(holder).some((log) => log.includes('cannot signal')), 'the warning');
    const [warning = ''] = logsOf(holder).filter((log) => log.includes('cannot signal'));
    expect(warning).toMatch(/as root; lockex cannot signal it.*sudo lockex -- job/);
    process.kill(root.pid, 'SIGKILL');
  });

  it('is asked to end through sudo, although the command is to be killed at once', async () => {
    const { holder, root, asked } = await sudoJob('touch ASKED; exit 3');
    holder.send({ type: 'command.stop', graceMs: 0, deadline: null });
    await holder.events.next('command.stopped');
    expect(isStill(root)).toBe(false);
    expect(existsSync(asked)).toBe(true);
  });

  it('that does not end keeps the lock', async () => {
    const { holder, root } = await sudoJob(':');
    holder.send({ type: 'command.stop', graceMs: 0, deadline: null });
    const { processes } = await holder.events.next('command.unkillable');
    expect(processes.join()).toContain(`[${root.pid}]`);
    expect(holder.events.types).not.toContain('command.stopped');
    process.kill(root.pid, 'SIGKILL');
    await holder.events.next('command.stopped');
  });

  it('is killed with its cgroup if that was delegated to lockex', async () => {
    const cgroup = mkdtempSync(join(rootOfCgroups(), 'delegated-'));
    onCleanUp(() => until(() => isRemoved(cgroup), 'the end of the cgroup'));
    for (const file of ['', 'cgroup.procs', 'cgroup.threads']) {
      chownSync(join(cgroup, file), NOBODY, NOBODY);
    }
    const directory = openDirectory();
    const file = join(directory, 'pid');
    const enter = ['sh', '-c', `echo 0 >${cgroup}/cgroup.procs && exec "$@"`, 'sh'];
    const holder = await hold(
      { command: { kind: 'shell', line: job(file, ':') } },
      { through: ['/usr/bin/env', ...enter, ...asNobodyWithSudo()] },
    );
    await holder.run();
    const root = await pidIn(file);
    killLater(root);
    holder.send({ type: 'command.stop', graceMs: 0, deadline: null });
    await holder.events.next('command.stopped');
    expect(isStill(root)).toBe(false);
    expect(logsOf(holder).join()).not.toContain('cannot signal');
  });

  /** Ignores SIGTERM. */
  const inBackground = (line: string) => `trap : TERM; ${line} & while :; do sleep 0.1; done`;

  it.each(INITS)('spares no process that lockex can kill, with %s: lockex', async (_init, init) => {
    const { holder, root } = await sudoJob(':', inBackground, init);
    holder.send({ type: 'command.stop', graceMs: 0, deadline: null });
    await holder.events.next('command.exited');
    expect(isStill(root)).toBe(true);
    expect(holder.events.types).not.toContain('command.stopped');
    process.kill(root.pid, 'SIGKILL');
    await holder.events.next('command.stopped');
  });

  it.each(INITS)(
    'spares no process that lockex can kill, with %s: the guard',
    async (_init, init) => {
      const { holder, command, root } = await sudoJob(':', inBackground, init);
      process.kill(holder.identity.pid, 'SIGKILL');
      await until(() => !isStill(command), 'the end of the first process');
      expect(isStill(root)).toBe(true);
    },
  );

  it('is asked to end through sudo by the guard', async () => {
    const { holder, root, asked } = await sudoJob('touch ASKED; exit 3');
    process.kill(holder.identity.pid, 'SIGKILL');
    await until(() => !isStill(root), 'the end of the job');
    expect(existsSync(asked)).toBe(true);
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
