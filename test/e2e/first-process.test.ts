/** lockex as a container starts it: the first process of a pid namespace of its own. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { run, startProgram } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { PROGRAM, userEnvironment } from './program.ts';

const UNSHARE = ['--pid', '--fork', '--mount-proc', '--kill-child'];

/** Only root may, and not in every container. */
const canUnshare = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;

async function startFirst(script: string) {
  const { connectString } = await sharedServerWithChroot();
  const words = ['-z', connectString, '-i', 'first', '-T', '4', '--log-format', 'json'];
  return startProgram('unshare', [...UNSHARE, PROGRAM, ...words, '--', script], {
    env: userEnvironment(),
  });
}

describe.runIf(canUnshare)('lockex as process 1', () => {
  it('runs the command and gives its status', async () => {
    const { status, stdout } = await (await startFirst('echo $PPID; exit 7')).ended;
    expect({ status, stdout }).toEqual({ status: 7, stdout: '1\n' });
  });

  it('stops the command and what has escaped when it is stopped, as `docker stop` does', async () => {
    const script =
      "trap 'echo stopping; exit 3' TERM; setsid sh -c 'exec sleep 500' & echo up; while :; do sleep 0.1; done";
    const program = await startFirst(script);
    await program.line(/^up$/);
    const lockex = Number(JSON.parse(await program.line(/"state":"running"/, 'stderr')).pid);
    expect(lockex).toBe(1);
    const [inside] = (await run('pgrep', ['-P', String(program.pid)])).stdout.split('\n');
    process.kill(Number(inside), 'SIGTERM');
    const { status, stdout, stderr } = await program.ended;
    expect({ status, stdout }).toEqual({ status: 3, stdout: 'up\nstopping\n' });
    expect(stderr).toContain('everything that the command started is dead');
  });
});
