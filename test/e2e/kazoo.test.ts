/** lockex and kazoo contend for the same locks and semaphores. */
import { beforeEach, describe, expect, it } from 'vitest';
import { startKazoo } from '../support/kazoo.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { startLockex, untilQueued, untilState } from './program.ts';

let hosts: string;
beforeEach(async () => {
  hosts = (await sharedServerWithChroot()).connectString;
});

const lockex = (...args: string[]) => startLockex(['-z', hosts, '-i', 'x', ...args]);

describe('a lock', () => {
  it('held by kazoo makes lockex wait and report the holder', async () => {
    const kazoo = await startKazoo(hosts);
    const lock = await kazoo.lock('/lockex/x', 'the python side');
    expect(await lock.acquire()).toBe(true);
    const waiter = lockex('--', 'echo got it');
    expect(await untilQueued(waiter)).toMatchObject({
      queue: { position: 1, holders: [{ label: 'the python side' }] },
    });
    await lock.release();
    expect(await waiter.ended).toMatchObject({ status: 0, stdout: 'got it\n' });
  });

  it('held by lockex makes kazoo wait, and shows up in contenders()', async () => {
    const holder = lockex('--', 'sleep', '600');
    await untilState(holder, 'running');
    const kazoo = await startKazoo(hosts);
    const lock = await kazoo.lock('/lockex/x', 'the python side');
    expect(await lock.acquire({ blocking: false })).toBe(false);
    const [first] = await lock.contenders();
    expect(JSON.parse(first ?? '')).toMatchObject({ command: 'sleep', pid: holder.pid });
    const acquired = lock.acquire();
    holder.signal('SIGTERM');
    expect(await acquired).toBe(true);
    expect(await lock.contenders()).toEqual(['the python side']);
  });

  it('is granted in queue order to both clients', async () => {
    const first = lockex('--', 'sleep', '600');
    await untilState(first, 'running');
    const kazoo = await startKazoo(hosts);
    const lock = await kazoo.lock('/lockex/x', 'second');
    const second = lock.acquire();
    // kazoo is in the queue once its node exists.
    while ((await kazoo.children('/lockex/x')).length < 2);
    const third = lockex('--', 'sleep', '600');
    expect(await untilQueued(third)).toMatchObject({
      queue: { position: 2, behind: { label: 'second' } },
    });
    first.signal('SIGTERM');
    expect(await second).toBe(true);
    await lock.release();
    await untilState(third, 'running');
  });
});

describe('a semaphore', () => {
  it('admits N holders of both clients in total', async () => {
    const kazoo = await startKazoo(hosts);
    const semaphore = await kazoo.semaphore('/lockex/x', 2, 'the python side');
    expect(await semaphore.acquire()).toBe(true);
    const second = lockex('-c', '2', '--', 'sleep', '600');
    await untilState(second, 'running');
    const holders = await semaphore.leaseHolders();
    expect(holders).toContain('the python side');
    expect(holders.join()).toContain('"command":"sleep"');

    const third = lockex('-c', '2', '--', 'echo third');
    expect(await untilQueued(third)).toMatchObject({ queue: { position: 1 } });
    await semaphore.release();
    expect(await third.ended).toMatchObject({ status: 0, stdout: 'third\n' });

    // Two permits may be free again; acquire both, so that kazoo has to wait.
    const fourth = lockex('-c', '2', '--', 'sleep', '600');
    await untilState(fourth, 'running');
    expect(await semaphore.acquire({ blocking: false })).toBe(false);
    const acquired = semaphore.acquire();
    second.signal('SIGTERM');
    expect(await acquired).toBe(true);
  });

  it('with another N is refused by both clients', async () => {
    const holder = lockex('-c', '2', '--', 'sleep', '600');
    await untilState(holder, 'running');
    const kazoo = await startKazoo(hosts);
    const semaphore = await kazoo.semaphore('/lockex/x', 3);
    await expect(semaphore.acquire()).rejects.toThrow(/Inconsistent max leases/);
    const other = await startKazoo(hosts);
    const mine = await other.semaphore('/lockex/y', 3);
    await mine.acquire();
    const refused = startLockex(['-z', hosts, '-i', 'y', '-c', '2', '--', 'true']);
    const { status, stderr } = await refused.ended;
    expect(status).toBe(125);
    expect(stderr).toMatch(/semaphore of 3, not 2/);
  });

  it('has no inner lock node after a permit has been acquired', async () => {
    const holder = lockex('-c', '2', '--', 'sleep', '600');
    await untilState(holder, 'running');
    const kazoo = await startKazoo(hosts);
    expect(await kazoo.children('/lockex/x-__lock__')).toEqual([]);
    expect(await kazoo.children('/lockex/x')).toHaveLength(1);
    holder.signal('SIGTERM');
    await holder.ended;
    expect(await kazoo.children('/lockex/x')).toEqual([]);
  });
});
