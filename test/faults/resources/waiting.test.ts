/**
 * A resource is exhausted while lockex waits, gets the lock, or records a success.
 * docs/resources.md has the table.
 */
import { describe, expect, it } from 'vitest';
import { logOf, startLockex, untilQueued, untilState } from '../../e2e/program.ts';
import { leaveNoDescriptor, USED_UP_A_SECOND } from '../../support/limits.ts';
import { initsOf, readProcessTable } from '../../support/process-list.ts';
import type { Ended, Program } from '../../support/processes.ts';
import { sharedServerWithChroot } from '../../support/zookeeper.ts';
import { exhaustCpuTimeOf, groupWith, isFree, isStandalone, LONG_T, more } from './limited.ts';

/** A second of CPU time can take long on a busy host. */
const LONG_MS = 180_000;

interface Queue {
  readonly hosts: string;
  readonly holder: Program;
  /** Behind the holder. */
  readonly waiter: Program;
}

async function queue(through: readonly string[] = []): Promise<Queue> {
  const { connectString: hosts } = await sharedServerWithChroot();
  const args = ['-z', hosts, '-i', 'x', '--kill-after', '1', '--'];
  const holder = startLockex([...args, 'echo up; read line']);
  await holder.line(/^up$/);
  const waiter = startLockex([...args, 'echo ran'], { through });
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

  more(
    'no CPU time: SIGXCPU ends lockex, and the queue goes on',
    async () => {
      const queued = await queue(USED_UP_A_SECOND);
      expect((await exhaustCpuTimeOf(queued.waiter)).signal).toBe('SIGXCPU');
      expect((await handsOver(queued)).stdout).toBe('');
    },
    LONG_MS,
  );
});

describe('while a success is recorded (--once-per)', () => {
  const job = (hosts: string, line: string) => [
    ...['-z', hosts, '-i', 'x', '-T', String(LONG_T), '--once-per', '1h', '--', line],
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
