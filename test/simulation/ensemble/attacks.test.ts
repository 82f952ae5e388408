/**
 * Three behaviours of servers that break simpler leases than lockex's (docs/safety.md, "Why the
 * lease is safe"), on the simulated ensemble. `test/faults/stale-answers.test.ts` has the first two
 * on a real one.
 */
import { expect, it } from 'vitest';
import { createBody, Mode, multiBody, pathBody, readBody } from '../support/frames.ts';
import type { RawClient } from '../support/raw-client.ts';
import { World } from '../support/world.ts';
import type { Member } from './member.ts';
import { Code, Op } from './wire/codes.ts';

const T = 10_000;
const SEEDS = [1, 2, 3, 4, 5];
const check = multiBody([{ op: 13, path: '/e' }]);

/** A client at a member, with an ephemeral node `/e`. */
async function attached(world: World, to: Member) {
  const client = world.connect(to);
  const session = await world.wait(client.handshake(T), 'handshake');
  if (session === null) throw new Error('the handshake was not answered');
  const reply = await world.wait(
    client.ask(1, Op.create, createBody('/e', { mode: Mode.ephemeral })),
    'create',
  );
  expect(reply?.err).toBe(Code.ok);
  return { client, session };
}

function watched<T>(promise: Promise<T>): { answer: T | undefined } {
  const state: { answer: T | undefined } = { answer: undefined };
  void promise.then((answer) => {
    state.answer = answer;
  });
  return state;
}

it.each(SEEDS)('the answer to one handshake completes a later one (seed %i)', async (seed) => {
  const world = await World.begin({ seed, syncLimit: 60 });
  const [leader, [follower]] = [world.ensemble.leader, world.ensemble.followers];
  if (follower === undefined) throw new Error('a follower is needed');
  const { client, session } = await attached(world, follower);

  // The first handshake reaches the leader, whose answer is held on the way.
  world.faults.cut(leader, follower, ['quorum']);
  client.close();
  const first = world.connect(follower);
  const firstAnswer = watched(first.handshake(T, session));
  await world.pass(1000);
  const touchedUntil = leader.leading?.sessions.session(session.id)?.expiresAt;
  // The second handshake does not reach the leader.
  world.faults.cut(follower, leader, ['quorum']);
  first.close();
  await world.pass(4000);
  const second = watched(world.connect(follower).handshake(T, session));
  await world.pass(1000);
  expect(second.answer).toBeUndefined();
  // That answer completes the second handshake; the way to the leader stays cut.
  world.faults.pass(leader, follower, ['quorum']);
  await world.pass(1000);
  expect(firstAnswer.answer).toBeNull();
  expect(second.answer).toMatchObject({ timeoutMs: T, id: session.id });

  // It touched nothing: the session lasts no longer than after the first handshake.
  expect(leader.leading?.sessions.session(session.id)?.expiresAt).toBe(touchedUntil);
  await world.pass(T - 5000);
  expect(leader.leading?.sessions.session(session.id)).toBeUndefined();
});

it.each(SEEDS)('the commit of one request answers another one (seed %i)', async (seed) => {
  const world = await World.begin({ seed, syncLimit: 60 });
  const { leader, followers } = world.ensemble;
  const [f, g] = followers;
  if (f === undefined || g === undefined) throw new Error('two followers are needed');
  const { client, session } = await attached(world, g);

  // The check is proposed, but no disk finishes writing it.
  for (const member of world.ensemble.members) member.stallDisk(3000);
  const old = watched(client.ask(7, Op.multi, check));
  await world.pass(500);
  // The session moves to F, whose way to the leader is cut then.
  const moved = world.connect(f);
  await world.wait(moved.handshake(T, session), 'handshake at F');
  world.faults.cut(f, leader, ['quorum']);
  const answered = watched(moved.ask(7, Op.multi, check));
  const another = watched(moved.ask(8, Op.multi, check));
  await world.pass(1000);
  expect(answered.answer).toBeUndefined();

  // The disks write: the older request is committed, and the newer one is answered.
  await world.pass(2500);
  expect(answered.answer).toMatchObject({ xid: 7, err: Code.ok });
  expect(another.answer).toBeUndefined();
  expect(old.answer).toMatchObject({ xid: 7, err: Code.ok });
});

it.each(SEEDS)('a deposed leader answers handshakes without a quorum (seed %i)', async (seed) => {
  const world = await World.begin({ seed });
  const { ensemble, faults } = world;
  const deposed = ensemble.leader;
  const [follower] = ensemble.followers;
  if (follower === undefined) throw new Error('a follower is needed');
  const { client, session } = await attached(world, follower);

  // The followers receive nothing from the leader; it still receives from one of them for a while.
  for (const other of ensemble.followers) faults.cut(deposed, other, ['quorum', 'election']);
  await keepHeard(world, client, 4500);
  for (const other of ensemble.followers) faults.cut(other, deposed, ['quorum', 'election']);
  await world.simulation.until(() => ensemble.leaders.length === 2, 'two leaders', 5000);

  const there = world.connect(deposed, 'elsewhere');
  const answer = await world.wait(there.handshake(T, session), 'handshake');
  expect(ensemble.leaders).toHaveLength(2);
  expect(answer).toMatchObject({ timeoutMs: T, id: session.id });
  // It answers reads, but no transaction.
  const read = await world.wait(there.ask(20, Op.exists, readBody('/e')), 'read');
  expect(read?.err).toBe(Code.ok);
  const confirmed = watched(there.ask(21, Op.multi, check));
  await world.simulation.until(() => ensemble.leaders.length === 1, 'one leader', 10_000);
  expect(confirmed.answer ?? null).toBeNull();
  expect(ensemble.leaders).not.toContain(deposed);
});

/** Syncs are passed on to the leader, which proposes nothing for them. */
async function keepHeard(world: World, client: RawClient, ms: number): Promise<void> {
  for (let xid = 100; xid < 100 + ms / 250; xid += 1) {
    void client.ask(xid, Op.sync, pathBody('/'));
    await world.pass(250);
  }
}

it('requests that a follower forwards are checked, and keep no session alive', async () => {
  const world = await World.begin({ syncLimit: 60 });
  const [leader, [follower]] = [world.ensemble.leader, world.ensemble.followers];
  if (follower === undefined) throw new Error('a follower is needed');
  const { client, session } = await attached(world, follower);
  // The follower gets no pings, so it hands over no touches; what it sends arrives.
  world.faults.cut(leader, follower, ['quorum']);
  const committed = () => leader.tree.lastProcessedZxid;
  for (let second = 0; second < T / 1000 + 1; second += 1) {
    const before = committed();
    void client.ask(10 + second, Op.multi, check);
    await world.pass(1000);
    if (second < T / 1000 - 1) expect(committed()).toBe(before + 1);
  }
  expect(leader.leading?.sessions.session(session.id)).toBeUndefined();
  expect(leader.tree.node('/e')).toBeUndefined();
});
