/**
 * Processes that outlive the command's first one are stopped, which is a failure, or waited for.
 */
import { writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { gone, run } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { logOf, runLockex, startLockex, temporaryDirectory, untilQueued } from './program.ts';

let hosts: string;
beforeEach(async () => {
  hosts = (await sharedServerWithChroot()).connectString;
});

const job = (...options: string[]) => ['-z', hosts, '-i', 'job', '--kill-after', '0.5', ...options];
/** Writes its pid to $PIPE, and keeps running. */
const SLEEPER = 'sh -c "echo \\$\\$ >\\$PIPE; exec sleep 600 >/dev/null 2>&1"';
/** The first process exits after that. */
const END = 'read pid <$PIPE; echo $pid';

async function newPipe(): Promise<string> {
  const pipe = `${temporaryDirectory()}/pipe`;
  await run('mkfifo', [pipe]);
  return pipe;
}

describe('processes that outlive the command are stopped', () => {
  it.each([
    ['a subshell in the background', `( ${SLEEPER} ) & ${END}`],
    ['nohup', `nohup ${SLEEPER} & ${END}`],
    ['a daemon that forks twice', `( setsid ${SLEEPER} & ) ; ${END}`],
    ['one that ignores SIGTERM', `( trap '' TERM; ${SLEEPER} ) & ${END}`],
    // setsid forks if it leads its process group: the first process exits before the job starts.
    ['setsid', 'echo $$; exec setsid sleep 600'],
  ])('and that is no success: %s', async (_, script) => {
    const args = job('--once-per', '1h', '--log-format', 'json', '--', script);
    const env = { PIPE: await newPipe() };
    const { status, stdout, stderr } = await runLockex(args, { env });
    expect(status).toBe(122);
    await gone(Number(stdout));
    expect(logOf({ stderr }).at(-1)).toMatchObject({
      level: 'error',
      message: expect.stringMatching(/processes that outlived it had to be stopped: \w+\[\d+\]/),
      outcome: 'leftovers',
      exitCode: 122,
    });
    // The run is not recorded.
    const again = await runLockex(job('-q', '--once-per', '1h', '--', 'echo ran'));
    expect(again).toMatchObject({ status: 0, stdout: 'ran\n' });
  });

  it('and a failure keeps its exit status', async () => {
    const args = job('-q', '--', `( ${SLEEPER} ) & ${END}; exit 3`);
    const { status } = await runLockex(args, { env: { PIPE: await newPipe() } });
    expect(status).toBe(3);
  });
});

describe('--wait-for-all', () => {
  /** Leaves a process behind that exits when it reads from a pipe. */
  async function waiting(...args: string[]) {
    const [pipe, other] = [await newPipe(), await newPipe()];
    const leftover = `echo $$ >$PIPE; read line <${other}; echo done`;
    const script = `setsid sh -c '${leftover}' & ${END}`;
    const holder = startLockex(
      job('--wait-for-all', '--log-level', 'debug', ...args, '--', script),
      {
        env: { PIPE: pipe },
      },
    );
    const left = Number(await holder.line(/^\d+$/));
    await holder.line(/"running: command\.exited"/, 'stderr');
    return { holder, left, finish: () => writeFileSync(other, 'go\n') };
  }

  it('keeps the lock until all processes have exited, and then succeeds', async () => {
    const { holder, left, finish } = await waiting('--once-per', '1h');
    const next = startLockex(job('--', 'echo mine'));
    await untilQueued(next);
    // Longer than the time that lockex allows for exiting processes.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    process.kill(left, 0);
    finish();
    const { status, stdout } = await holder.ended;
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/done\n$/) });
    expect((await next.ended).stdout).toBe('mine\n');
    const again = await runLockex(job('--once-per', '1h', '--', 'echo twice'));
    expect(again).toMatchObject({ status: 0, stdout: '' });
  });

  it('passes the status of the first process on', async () => {
    const args = job('-q', '--wait-for-all', '--', 'sleep 0.3 & exit 7');
    expect((await runLockex(args)).status).toBe(7);
  });

  it('is ended by SIGTERM: the remaining processes are stopped, which is a failure', async () => {
    const { holder, left } = await waiting();
    holder.signal('SIGTERM');
    expect((await holder.ended).status).toBe(122);
    await gone(left);
  });

  it('is ended by --max-runtime', async () => {
    const { holder, left } = await waiting('--max-runtime', '1');
    expect((await holder.ended).status).toBe(123);
    await gone(left);
  });

  it('lets the guard kill the remaining processes if lockex is killed', async () => {
    const { holder, left } = await waiting();
    holder.signal('SIGKILL');
    await holder.ended;
    await gone(left);
  });
});
