/**
 * Injects faults into the ensemble's members. Healing does not wait until all members serve again.
 */
import type { Server } from '../../scripts/servers/zookeeper.ts';
import type { Cluster } from './cluster.ts';
import type { InjectedFault, MemberFault } from './fault.ts';

export const LEADER_WITHIN_MS = 20_000;

/**
 * Undefined if no member has the role that the fault affects. `draw` chooses among equal members.
 */
export async function onMembers(
  kind: MemberFault,
  cluster: Cluster,
  draw: number,
): Promise<InjectedFault | undefined> {
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
  }
}

async function killed(cluster: Cluster, members: readonly Server[]): Promise<InjectedFault> {
  await Promise.all(members.map((member) => member.kill()));
  return {
    target: namesOf(cluster, members),
    heal: async () => {
      await Promise.all(members.map((member) => member.restart({ ready: false })));
    },
  };
}

async function paused(cluster: Cluster, members: readonly Server[]): Promise<InjectedFault> {
  await Promise.all(members.map((member) => member.pause()));
  return {
    target: namesOf(cluster, members),
    heal: () => {
      for (const member of members) member.resume();
    },
  };
}

function namesOf(cluster: Cluster, members: readonly Server[]): string {
  return members.map((member) => cluster.nameOf(member)).join(', ');
}
