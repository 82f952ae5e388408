/** lockex as the first process of a pid namespace, as in a container. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { run, startProgram } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { PROGRAM, temporaryDirectory, userEnvironment } from './program.ts';

const UNSHARE = ['--pid', '--fork', '--mount-proc', '--kill-child'];

/** Requires root, and is not possible in all containers. */
const canUnshare = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;

async function startFirst(script: string) {
  const { connectString } = await sharedServerWithChroot();
  const args = ['-z', connectString, '-i', 'first', '-T', '4', '--log-format', 'json'];
  return startProgram('unshare', [...UNSHARE, PROGRAM, ...args, '--', script], {
    env: userEnvironment(),
  });
}

it.runIf(canUnshare)(
  'a process that changed its user is waited for, even if /proc hides it',
  async () => {
    const { connectString } = await sharedServerWithChroot();
    // Set-user-ID root, like sudo.
    const sudo = `${temporaryDirectory()}/sudo`;
    const made = `cp "$(command -v setpriv)" ${sudo} && chmod 4755 ${sudo} && chmod 755 "\${0%/*}"`;
    const drop = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
    const command = `${sudo} --reuid=0 --clear-groups sh -c 'sleep 2; echo done' & exit 4`;
    const script = `${made} && mount -o remount,hidepid=2 /proc && cd /
    ${drop} ${PROGRAM} -q -z ${connectString} -T 4 -- "$1"
    echo "lockex ended with $?"`;
    const { stdout } = await run('unshare', [...UNSHARE, 'sh', '-c', script, sudo, command], {
      env: userEnvironment(),
    });
    expect(stdout).toBe('done\nlockex ended with 4\n');
  },
);

describe.runIf(canUnshare)('lockex as process 1', () => {
  it('runs the command and returns its status', async () => {
    // Its parent is the init, whose parent is lockex.
    const script = 'read -r pid name state parent rest </proc/$PPID/stat; echo $parent; exit 7';
    const { status, stdout } = await (await startFirst(script)).ended;
    expect({ status, stdout }).toEqual({ status: 7, stdout: '1\n' });
  });

  it('stops the command and escaped processes on SIGTERM, as sent by `docker stop`', async () => {
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
    expect(stderr).toContain('all processes of the command have exited');
  });
});
