/** Elections, histories, quorums, disks, limits. */
import { describe, expect, it } from 'vitest';
import { randomOf } from '../../support/random.ts';
import { createBody, Mode, readBody } from '../support/frames.ts';
import type { RawClient } from '../support/raw-client.ts';
import { World } from '../support/world.ts';
import type { Member } from './member.ts';
import { epochOf } from './tree/transaction.ts';
import { Code, Op } from './wire/codes.ts';

const T = 8000;

async function attach(world: World, to: Member, host = 'client'): Promise<RawClient> {
  const client = world.connect(to, host);
  const answer = await world.wait(client.handshake(T), 'handshake');
  if (answer === null) throw new Error('the handshake was not answered');
  return client;
}

async function create(world: World, client: RawClient, xid: number, path: string, mode = 0) {
  return await world.wait(client.ask(xid, Op.create, createBody(path, { mode })), path);
}

/** The paths of all members, which have to be the same after a while without faults. */
async function agreement(world: World): Promise<readonly string[]> {
  await world.pass(3000);
  const trees = world.ensemble.members.map(({ tree }) => tree.paths.toSorted());
  for (const tree of trees) expect(tree).toEqual(trees[0]);
  return trees[0] ?? [];
}

describe('a leader', () => {
  it('that is killed is followed by another, with all that was committed', async () => {
    const world = await World.begin({ seed: 11 });
    const first = world.ensemble.leader;
    const [follower] = world.ensemble.followers;
    if (follower === undefined) throw new Error('a follower is needed');
    const client = await attach(world, follower);
    await create(world, client, 1, '/kept', Mode.ephemeral);
    first.kill();
    await world.wait(client.closed(), 'followers close the connections of clients');
    await world.simulation.until(() => world.ensemble.leaders.length === 1, 'another leader');
    const second = world.ensemble.leader;
    expect(second).not.toBe(first);
    expect(epochOf(second.tree.lastProcessedZxid)).toBe(2);
    const again = await attach(world, second);
    expect((await world.wait(again.ask(1, Op.exists, readBody('/kept'))))?.err).toBe(Code.ok);
    first.start();
    await world.ensemble.ready();
    expect(await agreement(world)).toContain('/kept');
    // Its owner does not come back: a whole timeout after the new leader began.
    await world.pass(T + 1000);
    expect(await agreement(world)).not.toContain('/kept');
  });

  it('without a quorum steps down, and what it could not commit is forgotten', async () => {
    const world = await World.begin({ seed: 12 });
    const { ensemble, faults } = world;
    const old = ensemble.leader;
    const client = await attach(world, old);
    faults.isolate(old);
    const lost = client.ask(1, Op.create, createBody('/lost'));
    await world.simulation.until(() => !ensemble.leaders.includes(old), 'it steps down', 10_000);
    expect(await world.wait(lost, 'the request')).toBeNull();
    await world.simulation.until(() => ensemble.leaders.length === 1, 'another leader');
    const other = await attach(world, ensemble.leader, 'other');
    await create(world, other, 1, '/kept');
    // A member that looks for a leader refuses clients.
    expect(await world.wait(world.connect(old).handshake(T), 'handshake')).toBeNull();
    faults.heal();
    await ensemble.ready();
    const paths = await agreement(world);
    expect(paths).toContain('/kept');
    expect(paths).not.toContain('/lost');
  });

  it('needs more than half of the participants, whatever observers there are', async () => {
    const world = await World.begin({ seed: 13, observers: 2 });
    const { ensemble } = world;
    const [one, other] = ensemble.followers;
    one?.kill();
    await world.pass(20_000);
    expect(ensemble.leaders).toHaveLength(1);
    other?.kill();
    await world.pass(20_000);
    expect(ensemble.leaders).toHaveLength(0);
    expect(ensemble.observers.map(({ isServing }) => isServing)).toEqual([false, false]);
    ensemble.start();
    await ensemble.ready();
    const [observer] = ensemble.observers;
    const client = await attach(world, observer as Member);
    expect((await create(world, client, 1, '/o'))?.err).toBe(Code.ok);
    expect(await agreement(world)).toContain('/o');
  });

  it('is elected again from the disks after all have been killed', async () => {
    const world = await World.begin({ seed: 14 });
    const client = await attach(world, world.ensemble.leader);
    for (let xid = 1; xid <= 30; xid += 1) await create(world, client, xid, '/s-', 2);
    for (const member of world.ensemble.members) member.kill();
    await world.pass(5000);
    world.ensemble.start();
    await world.ensemble.ready();
    const paths = await agreement(world);
    expect(paths.filter((path) => path.startsWith('/s-'))).toHaveLength(30);
  });

  it('commits what a quorum of disks has, and waits for it', async () => {
    const world = await World.begin({ seed: 15 });
    const [one, other] = world.ensemble.followers;
    const client = await attach(world, world.ensemble.leader);
    other?.stallDisk(3000);
    const at = world.simulation.now;
    await create(world, client, 1, '/fast');
    expect(world.simulation.now - at).toBeLessThan(50);
    one?.stallDisk(3000);
    await create(world, client, 2, '/slow');
    expect(world.simulation.now - at).toBeGreaterThan(2900);
    one?.setFsync({ minMs: 200, maxMs: 210 });
    other?.setFsync({ minMs: 200, maxMs: 210 });
    const before = world.simulation.now;
    await create(world, client, 3, '/slower');
    expect(world.simulation.now - before).toBeGreaterThan(190);
  });

  it('loses its followers while it is paused for longer than syncLimit', async () => {
    const world = await World.begin({ seed: 16 });
    const { ensemble, faults } = world;
    const old = ensemble.leader;
    faults.pause(old.process);
    const isReplaced = () => ensemble.leaders.some((member) => member !== old);
    await world.simulation.until(isReplaced, 'another leader', 20_000);
    expect(ensemble.leaders).toContain(old);
    faults.heal();
    await ensemble.ready();
    expect(ensemble.leader).not.toBe(old);
    expect(old.state).toBe('following');
  });
});

describe('limits', () => {
  it('sequence numbers end at 2147483647 and go on with negative ones', async () => {
    const world = await World.begin({ seed: 17 });
    const client = await attach(world, world.ensemble.leader);
    await create(world, client, 1, '/q');
    await world.pass(100);
    world.ensemble.setSequence('/q', 2 ** 31 - 2);
    const names: string[] = [];
    for (let xid = 2; xid < 6; xid += 1) {
      const reply = await create(world, client, xid, `/q/${xid}-`, 2);
      names.push(reply?.body.toString('utf8', 4) ?? '');
    }
    // DataTree.createNode keeps the greatest number: the next ones are all the same.
    expect(names).toEqual(
      ['2-2147483646', '3-2147483647', '4-2147483647', '5-2147483647'].map((name) => `/q/${name}`),
    );
    await world.pass(100);
    const same = [client.ask(7, Op.create, createBody('/q/x-', { mode: 2 }))];
    same.push(client.ask(8, Op.create, createBody('/q/x-', { mode: 2 })));
    const [one, other] = await world.wait(Promise.all(same), 'both');
    expect(one?.body.toString('utf8', 4)).toBe('/q/x-2147483647');
    expect(other?.body.toString('utf8', 4)).toBe('/q/x--2147483648');
  });

  it('the throttler holds requests back, and refuses those that waited too long', async () => {
    const throttle = { maxRequests: 1, stallMs: 100, maxWaitMs: 150 };
    const world = await World.begin({ seed: 18, throttle });
    const client = await attach(world, world.ensemble.leader);
    for (const member of world.ensemble.members) member.setFsync({ minMs: 90, maxMs: 95 });
    const at = world.simulation.now;
    const replies = Array.from({ length: 4 }, (_, index) =>
      client.ask(index + 1, Op.create, createBody(`/t${index}`)),
    );
    const answers = await world.wait(Promise.all(replies), 'all');
    const errors = answers.map((reply) => reply?.err);
    expect(errors[0]).toBe(Code.ok);
    expect(errors.at(-1)).toBe(Code.throttledOp);
    expect(world.simulation.now - at).toBeGreaterThan(150);
    const made = errors.filter((err) => err === Code.ok).length;
    expect(world.ensemble.leader.tree.paths.filter((path) => path.startsWith('/t'))).toHaveLength(
      made,
    );
  });
});

/** Faults at random for a minute, while clients create nodes. */
async function storm(
  seed: number,
  steps = 14,
): Promise<{ world: World; confirmed: readonly string[] }> {
  const version = seed % 2 === 0 ? '3.4' : '3.9';
  const observerMaster = version === '3.9' ? 1 : null;
  const world = await World.begin({ seed, observers: 1, observerMaster, version });
  const { ensemble, faults, simulation } = world;
  const random = randomOf(seed, 'storm');
  const confirmed: string[] = [];
  let isOver = false;
  const pause = (name: string, ms: number) =>
    new Promise<void>((resolve) => {
      world.process(name).post(ms, () => {
        simulation.awaken();
        resolve();
      });
    });
  const work = async (name: string) => {
    for (let count = 0; !isOver; count += 1) {
      const client = world.connect(ensemble.member(1 + random.below(4)), name);
      const session = await client.handshake(T);
      for (let xid = 1; session !== null && !isOver; xid += 1) {
        const path = `/${name}-${count}-${xid}`;
        const reply = await client.ask(xid, Op.create, createBody(path));
        if (reply === null) break;
        if (reply.err === Code.ok) confirmed.push(path);
        await pause(name, 40);
      }
      client.close();
      await pause(name, 200);
    }
  };
  for (const name of ['a', 'b', 'c']) void work(name);
  for (let step = 0; step < steps; step += 1) {
    const member = ensemble.member(1 + random.below(4));
    const other = ensemble.member(1 + random.below(4));
    switch (random.below(7)) {
      case 0:
        member.kill();
        break;
      case 1:
        if (member.state !== 'down') faults.pause(member.process);
        break;
      case 2:
        faults.cut(member, other);
        break;
      case 3:
        faults.slow(member, other, { minMs: 50, maxMs: 500 });
        break;
      case 4:
        member.stallDisk(random.between(100, 4000));
        break;
      case 5:
        faults.reset(random.pick(['a', 'b', 'c']), member);
        break;
      default:
        faults.resetMidway(random.pick(['a', 'b', 'c']), member);
    }
    await world.pass(random.between(500, 5000));
    if (random.chance(0.4)) faults.heal();
  }
  faults.heal();
  isOver = true;
  await ensemble.ready();
  return { world, confirmed };
}

describe('after a storm of faults', () => {
  it.each([1, 2, 3, 4])('nothing that was confirmed is lost (seed %i)', async (seed) => {
    const { world, confirmed } = await storm(seed);
    const paths = new Set(await agreement(world));
    expect(confirmed.length).toBeGreaterThan(100);
    expect(confirmed.filter((path) => !paths.has(path))).toEqual([]);
  });

  it('the same seed has given the same trace', async () => {
    const hashOf = async (seed: number) => (await storm(seed, 6)).world.simulation.trace.hash;
    const [one, again, other] = [await hashOf(21), await hashOf(21), await hashOf(22)];
    expect(again).toBe(one);
    expect(other).not.toBe(one);
  });
});
