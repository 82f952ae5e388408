/**
 * A resource is missing from the start: no command runs, or all of it, and the lock is free
 * afterwards. docs/resources.md has the table.
 */
import { describe, expect, it } from 'vitest';
import { logOf, startLockex } from '../../e2e/program.ts';
import type { Ended } from '../../support/processes.ts';
import { sharedServerWithChroot } from '../../support/zookeeper.ts';
import {
  groupWith,
  isFree,
  isStandalone,
  isThorough,
  MEGABYTE,
  more,
  startsThrough,
} from './limited.ts';

/** The command ran if, and only if, lockex says so; and what it says besides is a reason. */
function isHonest({ status, stdout, stderr }: Ended): void {
  // Its runtime has aborted, or hung and was killed.
  if (status === null) return;
  expect(stdout).toBe(status === 0 ? 'ran\n' : '');
  if (status === 0) return;
  expect(status).toBe(125);
  expect(stderr).toMatch(/EMFILE|EAGAIN|ENFILE|ENOMEM/);
  // The host's /proc is not to blame.
  expect(stderr).not.toMatch(/subset=pid/);
}

describe('at the start', () => {
  it.each(isThorough ? [5, 8, 12, 16, 20, 24, 28] : [5, 12, 24])(
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
    const args = ['-z', connectString, '-i', 'x', '--', 'exec perl -e "1 while 1"'];
    const { status } = await startLockex(args, { through: ['prlimit', '--cpu=2:20'] }).ended;
    expect(status).toBe(128 + 24);
    await isFree(connectString);
  });
});

it('with memory that the command uses up: the command is killed', async (context) => {
  const group = groupWith('memory', context);
  group.limitMemory(150 * MEGABYTE);
  const { connectString } = await sharedServerWithChroot();
  const line = `exec perl -e 'my $filled = "x" x ${400 * MEGABYTE}; sleep 60'`;
  const args = ['-z', connectString, '-i', 'x', '--', line];
  const { status, stderr } = await startLockex(args, { through: group.entering }).ended;
  expect(status).toBe(137);
  expect(logOf({ stderr }).at(-1)).toMatchObject({ state: 'done' });
  await isFree(connectString);
});
