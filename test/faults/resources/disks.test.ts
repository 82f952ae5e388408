/**
 * Full disks where lockex writes: TMPDIR, the trace and the log; and an inspector without
 * descriptors. docs/resources.md has the table.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { logOf, startLockex, temporaryDirectory } from '../../e2e/program.ts';
import { leaveNoDescriptor } from '../../support/limits.ts';
import type { Ended } from '../../support/processes.ts';
import { sharedServerWithChroot } from '../../support/zookeeper.ts';
import { isFree, startsThrough } from './limited.ts';

describe('a full disk', () => {
  const NAMESPACE = ['unshare', '--mount'];
  const canMount =
    spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
  const FULL =
    'mount -t tmpfs -o size=8k none "$DISK" && ! head -c 99999 /dev/zero 2>/dev/null >$DISK/fill';

  /** `redirect`: of lockex, to the full disk $DISK. */
  async function runsOnFullDisk(redirect: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const { connectString } = await sharedServerWithChroot();
    const disk = temporaryDirectory();
    const script = `{ ${FULL}; }; exec "$@" ${redirect}`;
    const args = ['-z', connectString, '-i', 'x', '--once-per', '1h', '--', 'echo ran'];
    return await startLockex(args, {
      through: [...NAMESPACE, 'sh', '-c', script, 'sh'],
      env: { TMPDIR: disk, DISK: disk, ...env },
    }).ended;
  }

  it.skipIf(!canMount)('under TMPDIR does not matter', async () => {
    expect(await runsOnFullDisk('')).toMatchObject({ status: 0, stdout: 'ran\n' });
  });

  it.skipIf(!canMount)('under LOCKEX_TRACE ends the trace with a warning', async () => {
    const trace = temporaryDirectory();
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
    const log = `${temporaryDirectory()}/log`;
    const through = ['sh', '-c', 'exec prlimit --fsize=300 "$@" 2>$0', log];
    expect(await startsThrough(through)).toMatchObject({ status: 0, stdout: 'ran\n' });
    expect(readFileSync(log, 'utf8').length).toBeLessThanOrEqual(300);
  });
});

it('the inspector without a descriptor leaves the command alone', async () => {
  const { connectString } = await sharedServerWithChroot();
  const args = ['-z', connectString, '-i', 'x', '--inspect', '--', 'echo ran; read line'];
  const program = startLockex(args);
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
