/**
 * A resource is exhausted while no command runs: at the start, while waiting, at the grant, and while
 * the success of a job is recorded; and the disks that lockex writes to are full. Each time the lock is
 * free afterwards, and a command ran only under an exit status that says so. docs/resources.md has the
 * table.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import {
  logOf,
  PROGRAM,
  runLockex,
  startLockex,
  temporaryFolder,
  untilQueued,
  untilState,
} from '../e2e/program.ts';
import {
  LimitedGroup,
  leaveNoDescriptor,
  limitedGroup,
  limitProcess,
  USED_UP_A_SECOND,
} from '../support/limits.ts';
import { initsOf, readProcessTable } from '../support/process-list.ts';
import type { Ended, Program } from '../support/processes.ts';
import { childrenOf, sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';

const isStandalone = !PROGRAM.endsWith('.js');
/** The other cells of the table: LOCKEX_ALL_RESOURCES=1 npm run test:faults. */
const isThorough = process.env['LOCKEX_ALL_RESOURCES'] === '1';
const more = it.runIf(isThorough);
/** Longer than any start here; a runtime that gets no threads may hang for ever. */
const MAX_LIFE_MS = 5000;
const MEGABYTE = 1024 * 1024;

function groupWith(controller: 'memory' | 'pids', { skip }: TestContext): LimitedGroup {
  const group = limitedGroup(controller);
  return group instanceof LimitedGroup ? group : skip(group.reason);
}

/** The command ran if, and only if, lockex says so; and what it says besides is a reason. */
function isHonest({ status, stdout, stderr }: Ended): void {
  expect(stdout).toBe(status === 0 ? 'ran\n' : '');
  if (status === null || status === 0) return;
  expect(status).toBe(125);
  expect(stderr).toMatch(/EMFILE|EAGAIN|ENFILE|ENOMEM/);
  // Neither the user's files nor the host's /proc are to blame.
  expect(stderr).not.toMatch(/subset=pid|lockex\.json/);
}

/** The next one gets the lock at once, or when the session of the first has ended. */
async function isFree(hosts: string): Promise<void> {
  const words = ['-z', hosts, '-i', 'x', '-T', '4', '--', 'echo next'];
  expect(await runLockex(words)).toMatchObject({ status: 0, stdout: 'next\n' });
  const [, chroot = ''] = /(\/.*)$/.exec(hosts) ?? [];
  expect(await childrenOf({ ...sharedServer(), path: `${chroot}/lockex/x` })).toEqual([]);
}

async function startsThrough(through: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> {
  const { connectString } = await sharedServerWithChroot();
  const words = ['-z', connectString, '-i', 'x', '--', 'echo ran'];
  const options = { through, maxLifeMs: MAX_LIFE_MS, ...(env && { env }) };
  const ended = await startLockex(words, options).ended;
  await isFree(connectString);
  return ended;
}

describe('at the start', () => {
  it.each([5, 8, 12, 16, 20, 24, 28])(
    'with %i descriptors: no command, or all of it',
    async (n) => {
      isHonest(await startsThrough(['prlimit', `--nofile=${n}`]));
    },
  );

  it.for(isThorough ? [1, 6, 9, 11, 12, 13] : [6, 12])(
    'with %i tasks: no command, or all of it',
    async (n, context) => {
      const group = groupWith('pids', context);
      group.limitProcesses(n);
      isHonest(await startsThrough(group.entering));
    },
  );

  it('with too little memory: no command', async (context) => {
    const group = groupWith('memory', context);
    group.limitMemory(8 * MEGABYTE);
    const { signal, stdout } = await startsThrough(group.entering);
    expect({ signal, stdout }).toEqual({ signal: 'SIGKILL', stdout: '' });
  });

  more('with too little address space: no command', async () => {
    const { status, stdout } = await startsThrough(['prlimit', `--as=${100 * MEGABYTE}`]);
    expect({ ran: status === 0, stdout }).toEqual({ ran: false, stdout: '' });
  });

  it.skipIf(isStandalone)('with too small a heap: no command', async () => {
    const NODE_OPTIONS = '--max-old-space-size=2 --max-semi-space-size=1';
    const { status, stdout } = await startsThrough(['env'], { NODE_OPTIONS });
    expect({ ran: status === 0, stdout }).toEqual({ ran: false, stdout: '' });
  });

  more('with CPU time that the command uses up: the command is ended by SIGXCPU', async () => {
    const { connectString } = await sharedServerWithChroot();
    const words = ['-z', connectString, '-i', 'x', '--', 'exec perl -e "1 while 1"'];
    const { status } = await startLockex(words, { through: ['prlimit', '--cpu=2:20'] }).ended;
    expect(status).toBe(128 + 24);
    await isFree(connectString);
  });
});

interface Queue {
  readonly hosts: string;
  readonly holder: Program;
  /** Behind the holder. */
  readonly waiter: Program;
}

async function queue(through: readonly string[] = []): Promise<Queue> {
  const { connectString: hosts } = await sharedServerWithChroot();
  const words = ['-z', hosts, '-i', 'x', '--kill-after', '1', '--'];
  const holder = startLockex([...words, 'echo up; read line']);
  await holder.line(/^up$/);
  const waiter = startLockex([...words, 'echo ran'], { through });
  await untilQueued(waiter);
  return { hosts, holder, waiter };
}

/** The holder goes, the waiter gets the lock or has ended, and the next one gets it in any case. */
async function handsOver({ hosts, holder, waiter }: Queue): Promise<Ended> {
  holder.stdin.end('\n');
  expect(await holder.ended).toMatchObject({ status: 0, stdout: 'up\n' });
  const ended = await waiter.ended;
  await isFree(hosts);
  return ended;
}

describe('while waiting, and at the grant', () => {
  it('no descriptor: the command runs, or lockex says why not', async () => {
    const queued = await queue();
    leaveNoDescriptor(queued.waiter.pid ?? 0);
    const { status, stdout, stderr } = await handsOver(queued);
    expect(stdout).toBe(status === 0 ? 'ran\n' : '');
    if (status === 0) return;
    // The lease has to be proven by a new connection, for which there is no descriptor.
    expect(status).toBe(125);
    expect(logOf({ stderr }).at(-1)).toMatchObject({ level: 'error', state: 'done' });
  });

  it('no process and no thread: the command runs, since it is parked', async (context) => {
    const group = groupWith('pids', context);
    const queued = await queue(group.entering);
    group.limitProcesses(1);
    const { status, stdout } = await handsOver(queued);
    // The standalone executable may abort.
    expect(stdout).toBe(status === 0 ? 'ran\n' : '');
    if (!isStandalone) expect(status).toBe(0);
  });

  it('no process, and the parked command is lost: lockex says that it cannot start', async (context) => {
    const group = groupWith('pids', context);
    const queued = await queue(group.entering);
    const { pid = 0 } = queued.waiter;
    const [init] = initsOf(pid);
    const gate = [...readProcessTable().values()].find(({ parent }) => parent === init?.pid);
    if (gate === undefined) return context.skip('the command has no init on this host');
    group.limitProcesses(1);
    process.kill(gate.pid, 'SIGKILL');
    const { status, stdout, stderr } = await queued.waiter.ended;
    group.limitProcesses('max');
    expect(stdout).toBe('');
    if (!isStandalone) {
      expect(status).toBe(125);
      expect(logOf({ stderr }).at(-1)?.['message']).toMatch(/EAGAIN/);
    }
    await handsOver(queued);
  });

  it('no memory: the kernel ends lockex, and the queue goes on', async (context) => {
    const group = groupWith('memory', context);
    const queued = await queue();
    group.limitMemory(4096);
    group.enter(queued.waiter.pid ?? 0);
    expect((await queued.waiter.ended).signal).toBe('SIGKILL');
    expect((await handsOver(queued)).stdout).toBe('');
  });

  more('no CPU time: SIGXCPU ends lockex, and the queue goes on', async () => {
    const queued = await queue(USED_UP_A_SECOND);
    limitProcess(queued.waiter.pid ?? 0, { cpu: '1:' });
    expect((await queued.waiter.ended).signal).toBe('SIGXCPU');
    expect((await handsOver(queued)).stdout).toBe('');
  });
});

describe('while a success is recorded (--once-per)', () => {
  const job = (hosts: string, line: string) => [
    ...['-z', hosts, '-i', 'x', '--once-per', '1h', '--', line],
  ];

  async function runningJob(through: readonly string[] = []): Promise<[string, Program]> {
    const { connectString } = await sharedServerWithChroot();
    const program = startLockex(job(connectString, 'echo ran; read line'), { through });
    await program.line(/^ran$/);
    await untilState(program, 'running');
    return [connectString, program];
  }

  it('no descriptor: it is recorded', async () => {
    const [hosts, program] = await runningJob();
    leaveNoDescriptor(program.pid ?? 0);
    program.stdin.end('\n');
    expect((await program.ended).status).toBe(0);
    expect(await startLockex(job(hosts, 'echo again')).ended).toMatchObject({ stdout: '' });
  });

  more('no process and no thread: it is recorded if lockex exits with 0', async (context) => {
    const group = groupWith('pids', context);
    const [hosts, program] = await runningJob(group.entering);
    group.limitProcesses(1);
    program.stdin.end('\n');
    const { status } = await program.ended;
    if (!isStandalone) expect(status).toBe(0);
    if (status === 0) {
      expect(await startLockex(job(hosts, 'echo again')).ended).toMatchObject({ stdout: '' });
    }
  });

  it('no memory: lockex is killed, and the job runs again', async (context) => {
    const group = groupWith('memory', context);
    const [hosts, program] = await runningJob();
    group.limitMemory(4096);
    group.enter(program.pid ?? 0);
    expect((await program.ended).signal).toBe('SIGKILL');
    const again = await startLockex(job(hosts, 'echo again')).ended;
    expect(again).toMatchObject({ status: 0, stdout: 'again\n' });
  });
});

describe('a full disk', () => {
  const NAMESPACE = ['unshare', '--mount'];
  const canMount =
    spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
  const FULL =
    'mount -t tmpfs -o size=8k none "$DISK" && ! head -c 99999 /dev/zero 2>/dev/null >$DISK/fill';

  /** `redirect`: of lockex, to the full disk $DISK. */
  async function runsOnFullDisk(redirect: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const { connectString } = await sharedServerWithChroot();
    const disk = temporaryFolder();
    const script = `{ ${FULL}; }; exec "$@" ${redirect}`;
    const words = ['-z', connectString, '-i', 'x', '--once-per', '1h', '--', 'echo ran'];
    return await startLockex(words, {
      through: [...NAMESPACE, 'sh', '-c', script, 'sh'],
      env: { TMPDIR: disk, DISK: disk, ...env },
    }).ended;
  }

  it.skipIf(!canMount)('under TMPDIR does not matter', async () => {
    expect(await runsOnFullDisk('')).toMatchObject({ status: 0, stdout: 'ran\n' });
  });

  it.skipIf(!canMount)('under LOCKEX_TRACE ends the trace with a warning', async () => {
    const trace = temporaryFolder();
    const { status, stdout, stderr } = await runsOnFullDisk('', {
      DISK: trace,
      LOCKEX_TRACE: `${trace}/t`,
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'ran\n' });
    expect(logOf({ stderr }).filter(({ message }) => /ENOSPC/.test(String(message)))).toHaveLength(
      1,
    );
  });

  it.skipIf(!canMount)('under the log loses the log alone', async () => {
    const ended = await runsOnFullDisk('2>$DISK/log');
    expect(ended).toMatchObject({ status: 0, stdout: 'ran\n', stderr: '' });
  });

  it.each(['/dev/full'])('%s as the log loses the log alone', async (file) => {
    const through = ['sh', '-c', `exec "$@" 2>${file}`, 'sh'];
    expect(await startsThrough(through)).toMatchObject({ status: 0, stdout: 'ran\n' });
  });

  it('a limit on the size of files (SIGXFSZ) cuts the log alone', async () => {
    const log = `${temporaryFolder()}/log`;
    const through = ['sh', '-c', 'exec prlimit --fsize=300 "$@" 2>$0', log];
    expect(await startsThrough(through)).toMatchObject({ status: 0, stdout: 'ran\n' });
    expect(readFileSync(log, 'utf8').length).toBeLessThanOrEqual(300);
  });
});

it('the inspector without a descriptor leaves the command alone', async () => {
  const { connectString } = await sharedServerWithChroot();
  const words = ['-z', connectString, '-i', 'x', '--inspect', '--', 'echo ran; read line'];
  const program = startLockex(words);
  await program.line(/^ran$/);
  const { url } = JSON.parse(await program.line(/"url"/, 'stderr'));
  leaveNoDescriptor(program.pid ?? 0);
  const visits = Array.from({ length: 20 }, () =>
    fetch(url, { signal: AbortSignal.timeout(1000) }),
  );
  await Promise.allSettled(visits);
  program.stdin.end('\n');
  expect(await program.ended).toMatchObject({ status: 0, stdout: 'ran\n' });
  await isFree(connectString);
});
