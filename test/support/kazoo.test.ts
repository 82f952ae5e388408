import { expect, it } from 'vitest';
import { startKazoo } from './kazoo.ts';
import { gone, isAlive } from './processes.ts';
import { sharedServerWithChroot } from './zookeeper.ts';

it('two kazoos contend for a lock, in order', async () => {
  const { connectString } = await sharedServerWithChroot();
  const [ours, theirs] = await Promise.all([startKazoo(connectString), startKazoo(connectString)]);
  const first = await ours.lock('/lock', 'first');
  const second = await theirs.lock('/lock', 'second');
  expect(await first.acquire()).toBe(true);
  expect(await second.acquire({ blocking: false })).toBe(false);
  const waiting = second.acquire();
  await expect.poll(() => first.contenders()).toEqual(['first', 'second']);
  expect(await first.release()).toBe(true);
  expect(await waiting).toBe(true);
  expect(await first.release()).toBe(false);
});

it('an acquire that times out is an error with the name that kazoo gives it', async () => {
  const { connectString } = await sharedServerWithChroot();
  const [ours, theirs] = await Promise.all([startKazoo(connectString), startKazoo(connectString)]);
  await (await ours.lock('/lock')).acquire();
  const late = (await theirs.lock('/lock')).acquire({ timeout: 0.2 });
  await expect(late).rejects.toMatchObject({ name: 'LockTimeout' });
});

it('readers share, and keep a writer out', async () => {
  const { connectString } = await sharedServerWithChroot();
  const kazoo = await startKazoo(connectString);
  const [one, two] = [await kazoo.readLock('/lock'), await kazoo.readLock('/lock')];
  const writer = await kazoo.writeLock('/lock');
  expect(await one.acquire()).toBe(true);
  expect(await two.acquire()).toBe(true);
  expect(await writer.acquire({ blocking: false })).toBe(false);
});

it('a semaphore has as many leases as it says, and names their holders', async () => {
  const { connectString } = await sharedServerWithChroot();
  const kazoo = await startKazoo(connectString);
  const holders = ['a', 'b', 'c'];
  const [a, b, c] = await Promise.all(holders.map((who) => kazoo.semaphore('/pool', 2, who)));
  expect(await a?.acquire()).toBe(true);
  expect(await b?.acquire()).toBe(true);
  expect(await c?.acquire({ blocking: false })).toBe(false);
  expect((await a?.leaseHolders())?.sort()).toEqual(['a', 'b']);
  expect(await kazoo.children('/pool')).toHaveLength(2);
});

it('closing ends the session at once, and the process', async () => {
  const { connectString } = await sharedServerWithChroot();
  const [ours, theirs] = await Promise.all([startKazoo(connectString), startKazoo(connectString)]);
  await (await ours.lock('/lock')).acquire();
  const pid = ours.program.pid ?? 0;
  expect(await isAlive(pid)).toBe(true);
  await ours.close();
  await gone(pid);
  expect(await (await theirs.lock('/lock')).acquire({ blocking: false })).toBe(true);
});
