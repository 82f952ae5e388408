/**
 * Hosts without a usable cgroup v2: only version 1, none, one that can't be written to (as in
 * Docker), and one that another mount hides. Made in mount namespaces of their own. lockex claims
 * no cgroup then, and ends everything by the other means when it is killed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { gone, isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { contentOf, startLockex, temporaryDirectory } from './program.ts';

const UNSHARE = ['unshare', '--mount'];

/** `$V2`: where cgroup v2 is mounted. */
const HIERARCHIES = {
  'version 1 alone': 'umount -l $V2 && mkdir -p $V2',
  'none at all': 'umount -l $V2; mount -t tmpfs none /sys/fs/cgroup',
  'one that is read-only': 'mount -o remount,bind,ro $V2',
  'one hidden by another mount': 'mount -t tmpfs none $V2 && mkdir -p $V2/$OWN',
};

/** Where cgroup v2 is mounted, and our own cgroup in it; null: nowhere. */
function unified(): { readonly mount: string; readonly own: string } | null {
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const mount = lines.find((line) => line.includes(' - cgroup2 '))?.split(' ')[4];
  return own === undefined || mount === undefined ? null : { mount, own };
}

function through(script: string, { skip }: TestContext): string[] {
  const found = unified();
  if (found === null) return skip('no cgroup v2 on this host');
  const before = `V2=${found.mount} OWN=${found.own}; ${script}`;
  if (spawnSync('unshare', ['--mount', 'sh', '-c', before]).status !== 0) {
    return skip('no mount namespace can be created');
  }
  return [...UNSHARE, 'sh', '-c', `${before}; exec "$@"`, 'sh'];
}

describe('with a cgroup hierarchy', () => {
  it.for(Object.entries(HIERARCHIES))('%s', async ([, script], context) => {
    const prefix = through(script, context);
    const { connectString } = await sharedServerWithChroot();
    const directory = temporaryDirectory();
    const [trace, left] = [join(directory, 'trace'), join(directory, 'left')];
    // Leaves session, parent and process group, and ignores SIGTERM.
    const daemon = `(setsid sh -c 'trap "" TERM; echo $$ >${left}; exec sleep 600' &)`;
    const args = ['-z', connectString, '-i', 'x', '-T', '30', '--'];
    const env = { LOCKEX_TRACE: trace };
    const holder = startLockex([...args, `${daemon}; echo up; exec sleep 600`], {
      env,
      through: prefix,
    });
    await holder.line(/^up$/);
    await until(() => contentOf(left).endsWith('\n'), 'the daemon');
    const armed = () => /^.*"command.armed".*$/m.exec(contentOf(trace))?.[0];
    await until(() => armed() !== undefined, 'the trace');
    expect(JSON.parse(armed() ?? '').event.scope).not.toContain('cgroup');
    const standby = startLockex([...args, 'echo next'], { through: prefix });
    await standby.line(/"queue":/, 'stderr');
    const pid = Number(contentOf(left));
    expect(await isAlive(pid)).toBe(true);
    holder.signal('SIGKILL');
    await standby.line(/^next$/);
    expect(await isAlive(pid)).toBe(false);
    await gone(pid);
    expect((await standby.ended).status).toBe(0);
  });
});
