/**
 * Injects faults between the members, into the connections of followers to the leader's quorum
 * port. On such a link, `toServer` is the direction to the leader and `toClient` the direction to
 * the follower.
 */
import type { Server } from '../../scripts/servers/zookeeper.ts';
import type { Direction, FaultProxy } from '../support/fault-proxy.ts';
import type { Cluster } from './cluster.ts';
import type { Contender } from './contender.ts';
import type { InjectedFault, LinkFault, PlannedLinkFault } from './fault.ts';
import { LEADER_WITHIN_MS } from './fault-on-members.ts';

export interface LinkFaultTarget {
  readonly cluster: Cluster;
  /** Some faults also reset the client connections of this contender. */
  readonly contender: Contender;
  /** The member that it is connected to; preferred as the affected follower. */
  readonly member: Server | undefined;
}

interface Place {
  readonly follower: Server;
  /** From that follower to the leader. */
  readonly link: FaultProxy;
  /** From every other member to the leader. */
  readonly leaderLinks: readonly FaultProxy[];
}

/** Undefined if there is no leader with a follower. */
export async function onLinks(
  fault: PlannedLinkFault,
  target: LinkFaultTarget,
): Promise<InjectedFault | undefined> {
  const { cluster, contender } = target;
  const place = await placeOf(target, fault.draw);
  if (place === undefined) return undefined;
  const phases = await inject(fault, target, place);
  const name = cluster.nameOf(place.follower);
  return {
    target: isOfAllLinks(fault.kind) ? `leader's links, ${contender.name}` : name,
    ...(phases && { phases }),
    heal: () => cluster.healLinks(),
  };
}

function isOfAllLinks(kind: LinkFault): boolean {
  return kind === 'slow links, client reset' || kind === 'late answer to a handshake';
}

async function placeOf(
  { cluster, member }: LinkFaultTarget,
  draw: number,
): Promise<Place | undefined> {
  const leader = await cluster.leader(LEADER_WITHIN_MS);
  const followers = await cluster.followers();
  const follower = followers.find((some) => some === member) ?? followers[draw % followers.length];
  if (leader === undefined || follower === undefined) return undefined;
  const others = cluster.members.filter((some) => some !== leader);
  const leaderLinks = others.map((other) => cluster.link(other, leader));
  return { follower, link: cluster.link(follower, leader), leaderLinks };
}

/** Injects the fault; returns its later phases, if any. */
async function inject(
  { kind, durationMs, slowByMs, draw }: PlannedLinkFault,
  { cluster, contender }: LinkFaultTarget,
  { follower, link, leaderLinks }: Place,
): Promise<InjectedFault['phases']> {
  switch (kind) {
    case 'follower cut off':
      await cluster.cutOff(follower);
      return undefined;
    case 'slow link to leader':
      await link.delay(slowByMs, 'toServer');
      return undefined;
    case 'slow link to follower':
      await link.delay(slowByMs, 'toClient');
      return undefined;
    case 'slow, then cut link to leader':
      return await slowThenCut(link, 'toServer', slowByMs, durationMs);
    case 'slow, then cut link to follower':
      return await slowThenCut(link, 'toClient', slowByMs, durationMs);
    case 'link reset':
      link.reset();
      return undefined;
    case 'link reset repeatedly':
      return repeated(() => link.reset(), 3 + (draw % 4), durationMs);
    case 'slow links, client reset': {
      const direction = (['toServer', 'toClient', 'both'] as const)[draw % 3];
      await Promise.all(leaderLinks.map((each) => each.delay(slowByMs, direction)));
      return repeated(() => contender.resetConnections(), 2 + (draw % 4), durationMs);
    }
    case 'late answer to a handshake':
      return await lateAnswer(leaderLinks, contender, durationMs);
  }
}

/** The data that was delayed or held arrives when the fault is healed. */
async function slowThenCut(
  link: FaultProxy,
  direction: Direction,
  slowByMs: number,
  durationMs: number,
): Promise<InjectedFault['phases']> {
  await link.delay(slowByMs, direction);
  return async (pause) => {
    await pause(durationMs / 2);
    await link.blackhole(direction);
    await pause(durationMs / 2);
  };
}

function repeated(action: () => void, times: number, durationMs: number): InjectedFault['phases'] {
  return async (pause) => {
    for (let count = 0; count < times; count++) {
      action();
      await pause(durationMs / times);
    }
  };
}

/**
 * Holds the leader's answers while a contender re-attaches, so that the answer to one handshake
 * arrives while the follower waits for the answer to a later one that the leader has never seen
 * (`Learner.pendingRevalidations` is keyed by the session id). test/faults/stale-answers.test.ts
 * injects the same fault step by step.
 */
async function lateAnswer(
  links: readonly FaultProxy[],
  contender: Contender,
  durationMs: number,
): Promise<InjectedFault['phases']> {
  const cut = (direction: Direction | 'both') =>
    Promise.all(links.map((link) => link.blackhole(direction)));
  await cut('toClient');
  return async (pause) => {
    contender.resetConnections();
    await pause(durationMs / 4);
    await cut('both');
    contender.resetConnections();
    await pause(durationMs / 4);
    contender.resetConnections();
    await pause(durationMs / 4);
    await cut('toServer');
    await pause(durationMs / 4);
  };
}
