/**
 * Lock and semaphore at a real server, with lost answers: the proxy passes requests on, drops the
 * server's answers, then resets the connection.
 */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openAccess } from '../../../../src/settings/access.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { CreateMode } from '../../../../src/zookeeper/client.ts';
import { Lock } from '../../../../src/zookeeper/recipes/lock.ts';
import type { Recipe } from '../../../../src/zookeeper/recipes/recipe.ts';
import { Semaphore } from '../../../../src/zookeeper/recipes/semaphore.ts';
import { Session } from '../../../../src/zookeeper/session/session.ts';
import { type FaultProxy, startFaultProxy } from '../../../support/fault-proxy.ts';
import { sharedServer, sharedServerWithChroot, startServer } from '../../../support/zookeeper.ts';

let chroot: string;
beforeEach(async () => {
  chroot = (await sharedServerWithChroot()).chroot;
});

const data = Buffer.from('me');
const guid = () => randomUUID().replaceAll('-', '');
const nothing = () => {};

async function session(at: { host: string; port: number } = sharedServer()): Promise<Session> {
  const made = new Session({
    ...openAccess([{ host: at.host, port: at.port }], chroot),
    timeoutMs: 10_000,
    clock: systemClock,
    log: nothing,
  });
  await made.connect(10_000);
  onTestFinished(async () => {
    await made.close(5000);
  });
  return made;
}

async function proxy(): Promise<FaultProxy> {
  const { host, port } = sharedServer();
  const made = await startFaultProxy(host, port);
  onTestFinished(() => made.close());
  return made;
}

const lockOf = (on: Session, path = '/l') =>
  new Lock(on, { path, guid: guid(), kind: 'exclusive', data });
const semaphoreOf = (on: Session, permits = 2) =>
  new Semaphore(on, { path: '/s', permits, guid: guid(), data });

/** Drops answers from now on; the returned function resets the connection once one was dropped. */
async function losingAnswers(through: FaultProxy): Promise<() => Promise<void>> {
  await through.blackhole('toClient', { bytes: 'drop' });
  const before = through.counters.toClient.arrived;
  return async () => {
    await through.until(() => through.counters.toClient.arrived > before);
    await through.pass();
  };
}

/** Takes a step whose answers are lost, once `happened` finds that the server carried it out. */
async function stepUnanswered(
  recipe: Recipe,
  through: FaultProxy,
  on: Session,
  happened: () => Promise<boolean>,
): Promise<void> {
  const lose = await losingAnswers(through);
  const step = recipe.advance(nothing).catch((error: unknown) => error);
  while (!(await happened()));
  await lose();
  expect(await step).toMatchObject({ code: 'CONNECTION_LOSS' });
  expect(await on.whenAttached(10_000)).toBe(true);
}

describe('a lock', () => {
  it('has one node in the queue also when the answer to its creation was lost', async () => {
    const through = await proxy();
    const [own, other] = [await session(through), await session()];
    await other.mkdirp('/l');
    const lock = lockOf(own);
    await stepUnanswered(lock, through, own, async () => {
      return (await other.getChildren('/l')).length === 1;
    });
    expect(await lock.advance(nothing)).toMatchObject({ kind: 'granted' });
    expect(await other.getChildren('/l')).toHaveLength(1);
    await lock.withdraw();
    expect(await other.getChildren('/l')).toEqual([]);
  });

  it('that must be refused is refused also when it is tried again after lost answers', async () => {
    const through = await proxy();
    const [own, other] = [await session(through), await session()];
    await other.create('/l', Buffer.from('3'), { mode: CreateMode.PERSISTENT });
    const refusal = (of: Buffer | undefined) => (of?.toString() === '3' ? 'a semaphore' : null);
    const lock = new Lock(own, { path: '/l', guid: guid(), kind: 'exclusive', data, refusal });
    const nodeExists = async () => (await other.getChildren('/l')).length === 1;
    await stepUnanswered(lock, through, own, nodeExists);
    const refused = { kind: 'refused', message: 'a semaphore' };
    expect(await lock.advance(nothing)).toEqual(refused);
    expect(await lock.advance(nothing)).toEqual(refused);
  });

  it('is withdrawn also when the answer to its creation was lost', async () => {
    const through = await proxy();
    const [own, other] = [await session(through), await session()];
    await other.mkdirp('/l');
    const lock = lockOf(own);
    await stepUnanswered(lock, through, own, async () => {
      return (await other.getChildren('/l')).length === 1;
    });
    await lock.withdraw();
    expect(await other.getChildren('/l')).toEqual([]);
  });

  it('notifies only the next waiter when its predecessor leaves', async () => {
    const server = await startServer({ tickTime: 500 });
    onTestFinished(() => server.stop());
    chroot = '';
    const holder = lockOf(await session(server));
    await holder.advance(nothing);
    const notified: number[] = [];
    const waiters: Lock[] = [];
    for (let index = 0; index < 5; index += 1) {
      const waiter = lockOf(await session(server));
      await waiter.advance(() => notified.push(index));
      waiters.push(waiter);
    }
    // One watch for each waiter, each on another node.
    const summary = await server.fourLetter('wchs');
    expect(summary).toMatch(/5 connections watching 5 paths\s+Total watches:5/);
    await holder.withdraw();
    while (notified.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await waiters[0]?.advance(nothing)).toMatchObject({ kind: 'granted' });
    expect(notified).toEqual([0]);
  });

  it('queues again at the end when its node was deleted while it waited', async () => {
    const other = await session();
    const [first, second] = [lockOf(other), lockOf(await session())];
    await first.advance(nothing);
    await second.advance(nothing);
    const before = second.nodePath ?? '';
    await other.remove(before);
    expect(await second.advance(nothing)).toMatchObject({ kind: 'queued' });
    expect(second.nodePath).not.toBe(before);
  });

  it('queues again when its node and the lock were deleted', async () => {
    const [own, other] = [await session(), await session()];
    const [lock, holder] = [lockOf(own), lockOf(other)];
    await holder.advance(nothing);
    await lock.advance(nothing);
    await other.remove(lock.nodePath ?? '');
    await holder.withdraw();
    await other.remove('/l');
    lock.invalidate();
    expect(await lock.advance(nothing)).toMatchObject({ kind: 'granted' });
    expect(await other.exists(lock.nodePath ?? '')).not.toBeNull();
  });

  it('is refused when the sequence numbers are exhausted: the order would be unknown', async () => {
    const [own, other] = [await session(), await session()];
    await other.mkdirp('/l');
    const create = own.create.bind(own);
    own.create = (path, bytes) =>
      create(`${path}2147483647`, bytes, { mode: CreateMode.EPHEMERAL });
    const lock = lockOf(own);
    expect(await lock.advance(nothing)).toEqual({
      kind: 'refused',
      message: 'the sequence numbers of /l are exhausted: stop all contenders and delete it',
    });
    await lock.withdraw();
    expect(await other.getChildren('/l')).toEqual([]);
  });

  it.each(['x__lock__2147483648', 'x__lock__-2147483648', 'x-lock-00000000001'])(
    'grants nothing beside a holder while %s is in its queue, and names it',
    async (name) => {
      const [own, other] = [await session(), await session()];
      const holder = lockOf(other);
      expect(await holder.advance(nothing)).toMatchObject({ kind: 'granted' });
      // Possible for a client with CREATE permission alone.
      await other.create(`/l/${name}`, data, { mode: CreateMode.PERSISTENT });
      for (let index = 0; index < 10; index += 1) {
        const contender = lockOf(own);
        const message = expect.stringContaining(`/l/${name} has no sequence number from 0 to`);
        expect(await contender.advance(nothing)).toEqual({ kind: 'refused', message });
        await contender.withdraw();
      }
      await other.remove(`/l/${name}`);
      expect(await lockOf(own).advance(nothing)).toMatchObject({ kind: 'queued' });
    },
  );

  it('waits for Curator’s contenders as well', async () => {
    const other = await session();
    await other.mkdirp('/l');
    await other.create('/l/_c_x-lock-', data, { mode: CreateMode.EPHEMERAL_SEQUENTIAL });
    expect(await lockOf(await session()).advance(nothing)).toMatchObject({ kind: 'queued' });
  });
});

describe('a semaphore', () => {
  it('takes one permit also when the answer to its creation was lost', async () => {
    const through = await proxy();
    const [own, other] = [await session(through), await session()];
    const multi = own.multi.bind(own);
    own.multi = async (operations) => {
      own.multi = multi;
      const lose = await losingAnswers(through);
      const asked = multi(operations).catch((error: unknown) => error);
      while ((await other.getChildren('/s')).length === 0);
      await lose();
      throw await asked;
    };
    const semaphore = semaphoreOf(own);
    await expect(semaphore.advance(nothing)).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
    expect(await own.whenAttached(10_000)).toBe(true);
    expect(await semaphore.advance(nothing)).toMatchObject({ kind: 'granted' });
    expect(await other.getChildren('/s')).toHaveLength(1);
    expect(await other.getChildren('/s-__lock__')).toEqual([]);
  });

  it('gives its permit back when another took one too many without the inner lock', async () => {
    const other = await session();
    const semaphore = semaphoreOf(await session(), 1);
    // As kazoo's non-blocking path can: a permit created between our read and our creation.
    const original = other.create.bind(other);
    const own = await session();
    const racing = semaphoreOf(own, 1);
    const multi = own.multi.bind(own);
    own.multi = async (operations) => {
      await original('/s/stranger', data, { mode: CreateMode.EPHEMERAL });
      await multi(operations);
      own.multi = multi;
    };
    expect(await racing.advance(nothing)).toMatchObject({
      kind: 'queued',
      queue: { holders: [{ node: 'stranger' }] },
    });
    expect(await other.getChildren('/s')).toEqual(['stranger']);
    await racing.withdraw();
    expect(await semaphore.advance(nothing)).toMatchObject({ kind: 'queued' });
  });

  it('queues again for its inner lock when its node there was deleted', async () => {
    const other = await session();
    const [one, two] = [semaphoreOf(await session()), semaphoreOf(await session())];
    await one.advance(nothing);
    await two.advance(nothing);
    const before = new Lock(other, { path: '/s-__lock__', guid: guid(), kind: 'exclusive', data });
    await before.advance(nothing);
    const waiter = semaphoreOf(await session());
    const looks: true[] = [];
    expect(await waiter.advance(() => looks.push(true))).toMatchObject({ kind: 'queued' });
    const places = await other.getChildren('/s-__lock__');
    const place = places.find((name) => `/s-__lock__/${name}` !== before.nodePath);
    await other.remove(`/s-__lock__/${place}`);
    await one.withdraw();
    await before.withdraw();
    while (looks.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await waiter.advance(nothing)).toMatchObject({ kind: 'granted' });
    expect(await other.getChildren('/s')).toHaveLength(2);
  });

  it('queues for its inner lock, and reports if that is transient', async () => {
    const other = await session();
    await semaphoreOf(other).advance(nothing);
    const inner = new Lock(other, { path: '/s-__lock__', guid: guid(), kind: 'exclusive', data });
    await inner.advance(nothing);
    const semaphore = semaphoreOf(await session());
    expect(await semaphore.advance(nothing)).toMatchObject({ kind: 'queued', transient: true });
    await semaphore.withdraw();
    const full = semaphoreOf(await session());
    await other.create('/s/second', data, { mode: CreateMode.EPHEMERAL });
    expect(await full.advance(nothing)).toMatchObject({ kind: 'queued', transient: false });
  });

  it('counts a contender once that takes a permit between two reads', async () => {
    const other = await session();
    await other.mkdirp('/s');
    const innerLock = { path: '/s-__lock__', kind: 'exclusive', data } as const;
    const [first, second] = [1, 2].map(() => new Lock(other, { ...innerLock, guid: guid() }));
    await first?.advance(nothing);
    await second?.advance(nothing);
    const own = await session();
    const getChildren = own.getChildren.bind(own);
    own.getChildren = async (path, onChange) => {
      // The read of the pool that follows that of the queue.
      if (path === '/s' && (await other.getChildren('/s-__lock__')).length === 3) {
        own.getChildren = getChildren;
        await other.create('/s/first', data, { mode: CreateMode.EPHEMERAL });
        await first?.withdraw();
        await other.create('/s/second', data, { mode: CreateMode.EPHEMERAL });
      }
      return await getChildren(path, onChange);
    };
    expect(await semaphoreOf(own, 3).advance(nothing)).toMatchObject({
      kind: 'queued',
      transient: true,
      queue: { position: 2, holders: [{ node: 'first' }, { node: 'second' }] },
    });
  });

  it('creates its pool again when it was deleted', async () => {
    const [own, other] = [await session(), await session()];
    const [waiting, holder] = [semaphoreOf(own, 1), semaphoreOf(other, 1)];
    await holder.advance(nothing);
    let changes = 0;
    const onChange = () => {
      changes += 1;
    };
    expect(await waiting.advance(onChange)).toMatchObject({ kind: 'queued' });
    await holder.withdraw();
    await other.remove('/s');
    expect(await waiting.advance(onChange)).toMatchObject({ kind: 'granted' });
    expect(changes).toBeGreaterThan(0);
    expect((await other.getData('/s')).data?.toString()).toBe('1');
  });

  it.each([
    ['2\n', 2],
    [' +2 ', 2],
  ])('reads N as Python does: %j is %d', async (text, permits) => {
    const own = await session();
    await own.create('/s', Buffer.from(text), { mode: CreateMode.PERSISTENT });
    expect(await semaphoreOf(own, permits).advance(nothing)).toMatchObject({ kind: 'granted' });
    expect((await own.getData('/s')).data?.toString()).toBe(text);
  });

  it.each(['{"db": "prod"}', '-1', '2.0'])(
    'leaves data that is not a number alone: %s',
    async (text) => {
      const own = await session();
      await own.create('/s', Buffer.from(text), { mode: CreateMode.PERSISTENT });
      expect(await semaphoreOf(own).advance(nothing)).toEqual({
        kind: 'refused',
        message: 'unexpected data in /s: not a number of permits (-c)',
      });
      expect((await own.getData('/s')).data?.toString()).toBe(text);
    },
  );

  it('writes N into a pool that kazoo has created and not yet marked', async () => {
    const other = await session();
    await other.mkdirp('/s');
    expect(await semaphoreOf(await session(), 3).advance(nothing)).toMatchObject({
      kind: 'granted',
    });
    expect((await other.getData('/s')).data?.toString()).toBe('3');
  });
});
