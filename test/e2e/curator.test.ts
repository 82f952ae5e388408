/** lockex and Curator's InterProcessMutex contend for the same lock. */
import { beforeEach, describe, expect, it } from 'vitest';
import { startCurator } from '../support/curator.ts';
import { childrenOf, sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';
import { runLockex, startLockex, untilQueued, untilState } from './program.ts';

let hosts: string;
let path: string;
beforeEach(async () => {
  const { connectString, chroot } = await sharedServerWithChroot();
  hosts = connectString;
  path = `${chroot}/lockex/x`;
});

const lockex = (...args: string[]) => startLockex(['-z', hosts, '-i', 'x', ...args]);
const curator = async () => await startCurator(hosts, '/lockex/x');
const contenders = async () => await childrenOf({ ...sharedServer(), path });

describe('with --recipe curator', () => {
  const AS_CURATOR = ['--recipe', 'curator'];

  it('lockex waits for Curator, without a warning', async () => {
    const other = await curator();
    expect(await other.tryAcquire()).toBe(true);
    const waiter = lockex(...AS_CURATOR, '--', 'echo got it');
    await untilQueued(waiter);
    await other.release();
    const { status, stdout, stderr } = await waiter.ended;
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'got it\n' });
    expect(stderr).not.toContain('"level":"warn"');
  });

  it('Curator waits for lockex', async () => {
    const holder = lockex(...AS_CURATOR, '--', 'sleep', '600');
    await untilState(holder, 'running');
    const other = await curator();
    expect(await other.tryAcquire()).toBe(false);
    const acquired = other.acquire();
    holder.signal('SIGTERM');
    await holder.ended;
    await acquired;
    const late = await runLockex(['-z', hosts, '-i', 'x', '--no-blocking', '--', 'echo twice']);
    expect(late).toMatchObject({ status: 1, stdout: '' });
  });

  it('the lock is granted in queue order to both clients', async () => {
    const first = lockex(...AS_CURATOR, '--', 'sleep', '600');
    await untilState(first, 'running');
    const other = await curator();
    const second = other.acquire();
    while ((await contenders()).length < 2);
    const third = lockex(...AS_CURATOR, '--', 'sleep', '600');
    expect(await untilQueued(third)).toMatchObject({ queue: { position: 2 } });
    const last = await curator();
    const fourth = last.acquire();
    while ((await contenders()).length < 4);
    first.signal('SIGTERM');
    await second;
    await other.release();
    await untilState(third, 'running');
    expect(await contenders()).toHaveLength(2);
    third.signal('SIGTERM');
    await fourth;
  });
});

it.each([
  ['kazoo', 'curator'],
  ['curator', 'kazoo'],
])('one lockex waits for the other: --recipe %s, then %s', async (one, other) => {
  const holder = lockex('--recipe', one, '--', 'sleep', '600');
  await untilState(holder, 'running');
  const waiter = lockex('--recipe', other, '--', 'echo got it');
  await untilQueued(waiter);
  holder.signal('SIGTERM');
  expect((await waiter.ended).stdout).toBe('got it\n');
});

describe('without it', () => {
  it('lockex waits for Curator, and warns that Curator does not wait for lockex', async () => {
    const other = await curator();
    await other.acquire();
    const waiter = lockex('--', 'echo got it');
    const warning = await waiter.line(/"level":"warn"/, 'stderr');
    expect(JSON.parse(warning).message).toMatch(
      /^\/lockex\/x\/_c_[-0-9a-f]{36}-lock-\d{10} is of Curator's recipe: .*--recipe curator$/,
    );
    await untilQueued(waiter);
    await other.release();
    expect((await waiter.ended).stdout).toBe('got it\n');
  });

  it('Curator does not wait for lockex: exclusion works in one direction only', async () => {
    const holder = lockex('--', 'sleep', '600');
    await untilState(holder, 'running');
    const other = await curator();
    expect(await other.tryAcquire()).toBe(true);
  });
});
