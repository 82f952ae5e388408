/** Sessions: touches, expiry in buckets, races, what a learner hands over, versions. */
import { describe, expect, it } from 'vitest';
import { SimulatedHost, SimulatedProcess } from '../kernel/process.ts';
import { Simulation } from '../kernel/simulation.ts';
import { createBody, Mode, multiBody, readBody } from '../support/frames.ts';
import { World } from '../support/world.ts';
import type { Member } from './member.ts';
import { SessionTracker } from './server/session-tracker.ts';
import { TouchTable } from './server/touch-table.ts';
import { TRAITS, type Version } from './version.ts';
import { Code, Op } from './wire/codes.ts';

const T = 4000;
const TICK = 500;

function newTracker(version: Version, sessions: number, onExpire: (id: string) => void) {
  const simulation = new Simulation({ seed: 9 });
  const process = new SimulatedProcess(new SimulatedHost(simulation, 'zk1'), 'zk1');
  const ids = Array.from({ length: sessions }, (_, at) => at.toString(16).padStart(16, '0'));
  const tracker = new SessionTracker({
    ...{ process, tickMs: TICK, traits: TRAITS[version] },
    sessions: new Map(ids.map((id) => [id, T])),
    expire: onExpire,
  });
  return { simulation, tracker, ids };
}

async function withNode(world: World, to: Member, timeoutMs = T) {
  const client = world.connect(to);
  const session = await world.wait(client.handshake(timeoutMs), 'handshake');
  if (session === null) throw new Error('the handshake was not answered');
  await world.wait(client.ask(1, Op.create, createBody('/e', { mode: Mode.ephemeral })), 'create');
  return { client, session };
}

describe('the tracker of a leader', () => {
  it('expires a session between T and a tick more after its last touch', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = await World.begin({ seed, participants: 1 });
      const { leader } = world.ensemble;
      const { client } = await withNode(world, leader);
      await world.pass(world.simulation.random('pause').between(0, T / 2));
      const sentAt = world.simulation.now;
      await world.wait(client.ping(), 'ping');
      const heardAt = world.simulation.now;
      await world.wait(client.closed(), 'the end of the session');
      expect(world.simulation.now - sentAt).toBeGreaterThanOrEqual(T);
      expect(world.simulation.now - heardAt).toBeLessThan(T + TICK + 30);
      expect(leader.tree.node('/e')).toBeUndefined();
    }
  });

  it('expires a session that is touched while its bucket is expired (3.5 and later)', async () => {
    const expired: string[] = [];
    const late: boolean[] = [];
    const { simulation, tracker, ids } = newTracker('3.8', 5, (id) => {
      expired.push(id);
      if (expired.length === 1) late.push(tracker.touch(ids.at(-1) ?? '', T));
    });
    await simulation.run(2 * T);
    expect(expired).toEqual(ids);
    expect(late).toEqual([true]);
  });

  it('refuses such a touch in 3.4', async () => {
    const expired: string[] = [];
    const { simulation, tracker, ids } = newTracker('3.4', 5, (id) => expired.push(id));
    simulation.schedule(T - TICK, () => tracker.touch(ids.at(-1) ?? '', T));
    await simulation.run(T + TICK);
    expect(expired).toEqual(ids.slice(0, -1));
    expect(tracker.touch(ids[0] ?? '', T)).toBe(false);
  });

  it.each([
    ['3.4', false],
    ['3.8', true],
  ] as const)(
    'a touch with a shorter timeout in %s shortens the life: %s',
    async (version, isShort) => {
      const expired: string[] = [];
      const { simulation, tracker, ids } = newTracker(version, 1, (id) => expired.push(id));
      await simulation.run(100);
      tracker.touch(ids[0] ?? '', T / 2);
      await simulation.run(T / 2 + TICK);
      expect(expired.length).toBe(isShort ? 1 : 0);
      await simulation.run(T);
      expect(expired).toEqual(ids);
    },
  );

  it('knows one owner of a session at a time', () => {
    const { tracker, ids } = newTracker('3.8', 1, () => {});
    const [one, other] = [{}, {}];
    const id = ids[0] ?? '';
    tracker.check(id, one);
    expect(() => tracker.check(id, other)).toThrow(
      expect.objectContaining({ code: Code.sessionMoved }),
    );
    tracker.setOwner(id, other);
    tracker.check(id, other);
    tracker.setClosing(id);
    expect(() => tracker.check(id, other)).toThrow(
      expect.objectContaining({ code: Code.sessionExpired }),
    );
    expect(tracker.touch(id, T)).toBe(false);
  });
});

describe('touches of a learner', () => {
  it('reach the leader with the answer to its next ping', async () => {
    const world = await World.begin({ seed: 3 });
    const [leader, [follower]] = [world.ensemble.leader, world.ensemble.followers];
    if (follower === undefined) throw new Error('a follower is needed');
    const { client, session } = await withNode(world, follower);
    const until = () => leader.leading?.sessions.session(session.id)?.expiresAt ?? 0;
    await world.pass(2 * TICK);
    const before = until();
    await world.pass(2 * TICK);
    expect(until()).toBe(before);
    await world.wait(client.ping(), 'ping');
    await world.pass(TICK);
    expect(until()).toBeGreaterThanOrEqual(before + 2 * TICK);
  });

  it('are lost now and then when they race with that answer', () => {
    const table = new TouchTable(new Simulation({ seed: 4 }).random('touches'));
    const seen = { handedOver: 0, later: 0, lost: 0 };
    for (let round = 0; round < 400; round += 1) {
      table.beginHandOver();
      table.touch('a', T);
      const now = table.endHandOver().length;
      table.beginHandOver();
      const later = table.endHandOver().length;
      expect(now + later).toBeLessThanOrEqual(1);
      seen[now === 1 ? 'handedOver' : later === 1 ? 'later' : 'lost'] += 1;
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
  });

  it('of an observer behind an ObserverMaster make two hops', async () => {
    const options = { seed: 5, observers: 1, observerMaster: 1 };
    const world = await World.begin(options);
    const { leader } = world.ensemble;
    const [observer] = world.ensemble.observers;
    const master = world.ensemble.member(1);
    if (observer === undefined || master === leader) throw new Error('member 1 has to follow');
    const { client, session } = await withNode(world, observer);
    const until = () => leader.leading?.sessions.session(session.id)?.expiresAt ?? 0;
    await world.pass(4 * TICK);
    // From the observer to its master, and no further: the leader hears nothing of the ping.
    world.faults.cut(leader, master, ['quorum']);
    await world.pass(TICK / 10);
    await world.wait(client.ping(), 'ping');
    const before = until();
    await world.pass(2 * TICK);
    expect(until()).toBe(before);
    world.faults.pass(leader, master, ['quorum']);
    await world.pass(TICK);
    expect(until()).toBeGreaterThan(before);
    // A handshake and a transaction through both.
    const again = world.connect(observer, 'again');
    const answer = await world.wait(again.handshake(T, session), 'handshake');
    expect(answer?.id).toBe(session.id);
    const check = await world.wait(again.ask(9, Op.multi, multiBody([{ op: 13, path: '/e' }])));
    expect(check?.err).toBe(Code.ok);
  });
});

describe('a follower', () => {
  it.each([
    ['3.4', true],
    ['3.8', false],
  ] as const)('of %s holds back answers to others behind a change: %s', async (version, isHeld) => {
    const world = await World.begin({ version, seed: 6, syncLimit: 60 });
    const [leader, [follower]] = [world.ensemble.leader, world.ensemble.followers];
    if (follower === undefined) throw new Error('a follower is needed');
    const { client } = await withNode(world, follower);
    const other = world.connect(follower, 'other');
    await world.wait(other.handshake(T), 'handshake');
    world.faults.cut(leader, follower, ['quorum']);
    void client.ask(2, Op.multi, multiBody([{ op: 13, path: '/e' }]));
    await world.pass(100);
    const read = other.ask(1, Op.exists, readBody('/e'));
    let answeredAt = Number.NaN;
    void read.then(() => {
      answeredAt = world.simulation.now;
    });
    await world.pass(500);
    expect(Number.isNaN(answeredAt)).toBe(isHeld);
    world.faults.pass(leader, follower, ['quorum']);
    expect((await world.wait(read, 'read'))?.err).toBe(Code.ok);
  });

  it('of 3.4 knows no create2', async () => {
    const world = await World.begin({ version: '3.4', seed: 7 });
    const client = world.connect(world.ensemble.leader);
    await world.wait(client.handshake(T), 'handshake');
    const reply = await world.wait(client.ask(1, Op.create2, createBody('/x')), 'create2');
    expect(reply?.err).toBe(Code.unimplemented);
    await world.wait(client.closed(), 'closed');
  });
});

describe('notifications', () => {
  const OWN = [{ permissions: 31, scheme: 'digest', id: 'u:x' }];

  it.each([
    ['3.8', true],
    ['3.9', false],
  ] as const)('of %s reach clients that may not read the node: %s', async (version, isNotified) => {
    const world = await World.begin({ version, seed: 8, participants: 1 });
    const client = world.connect(world.ensemble.leader);
    await world.wait(client.handshake(T), 'handshake');
    await world.wait(client.ask(1, Op.exists, readBody('/own', true)), 'watch');
    await world.wait(client.ask(2, Op.create, createBody('/own', { acl: OWN })), 'create');
    await world.wait(client.ping(), 'ping');
    expect(client.events).toHaveLength(isNotified ? 1 : 0);
    const exists = await world.wait(client.ask(3, Op.exists, readBody('/own')), 'exists');
    expect(exists?.err).toBe(isNotified ? Code.ok : Code.noAuth);
  });
});

it('a request that waits at the leader while its session moves is refused', async () => {
  const world = await World.begin({ seed: 9, syncLimit: 60 });
  const { leader, followers } = world.ensemble;
  const [f, g] = followers;
  if (f === undefined || g === undefined) throw new Error('two followers are needed');
  const { client, session } = await withNode(world, g);
  leader.leading?.stallPreparation(1000);
  const waiting = client.ask(2, Op.create, createBody('/late'));
  await world.pass(100);
  // The owner changes at once (`Leader.revalidateSession`): not in the order of requests.
  const moved = world.connect(f);
  const answer = await world.wait(moved.handshake(T, session), 'handshake');
  expect(answer?.id).toBe(session.id);
  expect(await world.wait(waiting, 'the request')).toBeNull();
  expect(client.isClosed).toBe(true);
  const exists = await world.wait(moved.ask(3, Op.exists, readBody('/late')), 'exists');
  expect(exists?.err).toBe(Code.noNode);
});
