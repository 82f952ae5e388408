/** How the faults of the ensemble are made. */
import type { Server } from '../../scripts/lib/zookeeper.js';
import type { Cluster } from './cluster.ts';
import type { MemberFault } from './fault.ts';

export interface MadeOnMembers {
  readonly target: string;
  readonly heal: () => Promise<void>;
}

const LEADER_WITHIN_MS = 20_000;
/** A member that comes back takes part again, or the soak has failed: nothing after it would count. */
const BACK_WITHIN_MS = 60_000;

/**
 * Undefined when the role that it is made on isn't there. `draw` chooses among equals; `holders` is
 * where the holder of the lock is connected, and what a cut is most interesting at.
 */
export async function onMembers(
  kind: MemberFault,
  cluster: Cluster,
  draw: number,
  holders: Server | undefined,
): Promise<MadeOnMembers | undefined> {
  const some = cluster.members[draw % cluster.members.length];
  switch (kind) {
    case 'member killed':
      return some && (await killed(cluster, [some]));
    case 'member paused':
      return some && (await paused(cluster, [some]));
    case 'leader killed':
    case 'leader paused': {
      const leader = await cluster.leader(LEADER_WITHIN_MS);
      if (leader === undefined) return undefined;
      return await (kind === 'leader killed' ? killed : paused)(cluster, [leader]);
    }
    case 'quorum lost': {
      const lost = cluster.members.filter((member) => member !== some);
      return await (draw % 2 === 0 ? killed : paused)(cluster, lost);
    }
    case 'follower cut off':
      return await cutOff(cluster, draw, holders);
  }
}

async function killed(cluster: Cluster, members: readonly Server[]): Promise<MadeOnMembers> {
  await Promise.all(members.map((member) => member.kill()));
  return {
    target: namesOf(cluster, members),
    heal: async () => {
      await Promise.all(members.map((member) => member.restart({ ready: false })));
      await allBack(members);
    },
  };
}

async function paused(cluster: Cluster, members: readonly Server[]): Promise<MadeOnMembers> {
  await Promise.all(members.map((member) => member.pause()));
  return {
    target: namesOf(cluster, members),
    heal: async () => {
      for (const member of members) member.resume();
      await allBack(members);
    },
  };
}

async function cutOff(
  cluster: Cluster,
  draw: number,
  holders: Server | undefined,
): Promise<MadeOnMembers | undefined> {
  const followers = await cluster.followers();
  const follower =
    followers.find((member) => member === holders) ?? followers[draw % followers.length];
  if (follower === undefined) return undefined;
  await cluster.cutOff(follower);
  return {
    target: cluster.nameOf(follower),
    heal: async () => {
      await cluster.join(follower);
      await allBack([follower]);
    },
  };
}

async function allBack(members: readonly Server[]): Promise<void> {
  await Promise.all(members.map((member) => member.ready(BACK_WITHIN_MS)));
}

function namesOf(cluster: Cluster, members: readonly Server[]): string {
  return members.map((member) => cluster.nameOf(member)).join(', ');
}
