import { expect, it } from 'vitest';
import { startKazoo } from './kazoo.ts';
import { gone, isAlive } from './processes.ts';
import { sharedServerWithChroot } from './zookeeper.ts';

it('two kazoo clients acquire a lock in order', async () => {
  const { connectString } = await sharedServerWithChroot();
  const [clientA, clientB] = await Promise.all([
    startKazoo(connectString),
    startKazoo(connectString),
  ]);
  const first = await clientA.lock('/lock', 'first');
  const second = await clientB.lock('/lock', 'second');
  expect(await first.acquire()).toBe(true);
  expect(await second.acquire({ blocking: false })).toBe(false);
  const waiting = second.acquire();
  await expect.poll(() => first.contenders()).toEqual(['first', 'second']);
  expect(await first.release()).toBe(true);
  expect(await waiting).toBe(true);
  expect(await first.release()).toBe(false);
});

it('an acquire that times out throws an error with the name of kazoo’s class', async () => {
  const { connectString } = await sharedServerWithChroot();
  const [clientA, clientB] = await Promise.all([
    startKazoo(connectString),
    startKazoo(connectString),
  ]);
  await (await clientA.lock('/lock')).acquire();
  const late = (await clientB.lock('/lock')).acquire({ timeout: 0.2 });
  await expect(late).rejects.toMatchObject({ name: 'LockTimeout' });
});

it('readers share the lock and exclude a writer', async () => {
  const { connectString } = await sharedServerWithChroot();
  const kazoo = await startKazoo(connectString);
  const [one, two] = [await kazoo.readLock('/lock'), await kazoo.readLock('/lock')];
  const writer = await kazoo.writeLock('/lock');
  expect(await one.acquire()).toBe(true);
  expect(await two.acquire()).toBe(true);
  expect(await writer.acquire({ blocking: false })).toBe(false);
});

it('a semaphore grants as many leases as configured, and lists their holders', async () => {
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

it('closing ends the session and the process', async () => {
  const { connectString } = await sharedServerWithChroot();
  const [clientA, clientB] = await Promise.all([
    startKazoo(connectString),
    startKazoo(connectString),
  ]);
  await (await clientA.lock('/lock')).acquire();
  const pid = clientA.program.pid ?? 0;
  expect(await isAlive(pid)).toBe(true);
  await clientA.close();
  await gone(pid);
  expect(await (await clientB.lock('/lock')).acquire({ blocking: false })).toBe(true);
});
