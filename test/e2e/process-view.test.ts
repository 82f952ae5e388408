/**
 * A foreign, incomplete or missing /proc: lockex does not start a command that it could not find.
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type Ended, run } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { PROGRAM, userEnvironment } from './program.ts';

const isStandalone = !PROGRAM.endsWith('.js');
const NAMESPACES = ['--mount', '--pid', '--fork', '--kill-child'];

/** Requires root, and is not possible in all containers. */
const canUnshare = spawnSync('unshare', [...NAMESPACES, 'true']).status === 0;

/** Runs lockex after a shell command in new namespaces; the command reports that it ran. */
async function runBehind(
  before: string,
  { namespaces = NAMESPACES, user = '' } = {},
): Promise<Ended> {
  const { connectString } = await sharedServerWithChroot();
  const script = `${before}\ncd /\n${user} "$0" -z ${connectString} -i x -T 4 -- 'echo ran'`;
  return await run('unshare', [...namespaces, 'sh', '-c', script, PROGRAM], {
    env: userEnvironment(),
  });
}

describe.runIf(canUnshare)('/proc', () => {
  it('of another pid namespace is refused', async () => {
    const { status, stdout, stderr } = await runBehind('');
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^lockex: \/proc belongs to another pid namespace \(.*; mount the one/);
  });

  it('of the own pid namespace is accepted', async () => {
    const { status, stdout } = await runBehind('mount -t proc proc /proc');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'ran\n' });
  });

  it('without /proc/uptime is refused: the guard would have no clock', async () => {
    const { status, stdout, stderr } = await runBehind('mount -t proc -o subset=pid proc /proc');
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^lockex: \/proc\/uptime cannot be read: /);
  });

  it.each([['umount -l /proc'], ['mount -t tmpfs none /proc']])(
    'that is missing (%s) is refused, with 134 by the standalone’s runtime',
    async (before) => {
      const { status, stdout, stderr } = await runBehind(before, { namespaces: ['--mount'] });
      expect(stdout).toBe('');
      // Bun aborts before the first line of lockex.
      if (isStandalone) expect(status).toBe(134);
      else {
        expect(status).toBe(125);
        expect(stderr).toMatch(/^lockex: \/proc is not mounted: /);
      }
    },
  );

  it('that hides the processes of other users causes a warning', async () => {
    const ended = await runBehind('mount -t proc -o hidepid=2 proc /proc', {
      user: 'setpriv --reuid=65534 --regid=65534 --clear-groups',
    });
    expect(ended).toMatchObject({ status: 0, stdout: 'ran\n' });
    expect(ended.stderr).toContain('warn: processes of other users are hidden');
  });
});
