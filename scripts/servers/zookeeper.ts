/**
 * Real ZooKeeper servers for tests, the demo and `npm start`: on loopback, with data in a temporary
 * directory that is removed when they stop. None outlives the process that started it. Never for
 * production data: nothing is synced to disk.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, freePorts, LOOPBACK } from './loopback.ts';
import {
  POLL_MS,
  prepareServer,
  READY_MS,
  type Server,
  type ServerOptions,
} from './zookeeper-server.ts';

export { findZookeeper } from './zookeeper-home.ts';
export type { Role, Server, ServerOptions } from './zookeeper-server.ts';

export interface MemberAddress {
  /** From 1. */
  id: number;
  host: string;
  /** For clients. */
  port: number;
  /** The member listens here while it leads: followers connect to it. */
  quorumPort: number;
  electionPort: number;
}

export type MemberRoute = Pick<MemberAddress, 'host' | 'quorumPort' | 'electionPort'>;

/**
 * Returns the address at which `from` connects to `to`, to put a proxy between two members.
 * Followers always use it for their leader's quorum port. Elections may not: the member with the
 * greater id connects back to the election address that it received from the other one (ZooKeeper's
 * QuorumCnxManager). So cutting the proxy cuts the quorum port, but not every vote.
 */
export type Reach = (route: {
  from: MemberAddress;
  to: MemberAddress;
}) => MemberRoute | Promise<MemberRoute>;

export type EnsembleOptions = Omit<ServerOptions, 'port'> & {
  /** Number of members; default: 3. */
  size?: number;
  /** How many of the members, the last ones, are observers; default: 0. */
  observers?: number;
  /** Replaces options for one member; ids start at 1. */
  member?: (id: number) => ServerOptions;
  reach?: Reach;
};

/** Returns a server that is ready to serve. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  // Another process may take the free port before ZooKeeper does; a requested port has one try.
  for (let attemptsLeft = options.port === undefined ? 3 : 1; ; attemptsLeft--) {
    const server = prepareServer({ port: options.port ?? (await freePort()), options });
    try {
      await server.start();
      await server.ready();
      return server;
    } catch (error) {
      await server.stop();
      if (attemptsLeft === 1 || !/Address already in use/.test(String(error))) throw error;
    }
  }
}

/** Returns an ensemble with a leader, all members ready. */
export async function startEnsemble(options: EnsembleOptions = {}): Promise<Ensemble> {
  const { size = 3, observers = 0, reach } = options;
  const isObserver = (id: number) => id > size - observers;
  const ports = await freePorts(size * 3);
  const addresses = Array.from({ length: size }, (_, index) => ({
    id: index + 1,
    host: LOOPBACK,
    port: ports[index * 3] as number,
    quorumPort: ports[index * 3 + 1] as number,
    electionPort: ports[index * 3 + 2] as number,
  }));
  const members: Server[] = [];
  const ensemble = new Ensemble(members);
  try {
    for (const self of addresses) {
      const lines = await Promise.all(
        addresses.map(async (member) => {
          const line = await memberLine(self, member, reach);
          return isObserver(member.id) ? `${line}:observer` : line;
        }),
      );
      if (isObserver(self.id)) lines.push('peerType=observer');
      const own = { ...options, ...options.member?.(self.id) };
      members.push(prepareServer({ port: self.port, options: own, id: self.id, lines }));
    }
    await Promise.all(members.map((member) => member.start()));
    await Promise.all(members.map((member) => member.ready()));
    return ensemble;
  } catch (error) {
    await ensemble.stop();
    throw error;
  }
}

export class Ensemble {
  readonly members: readonly Server[];

  /** @param members in the order of their ids, from 1 */
  constructor(members: Server[]) {
    this.members = members;
  }

  get connectString() {
    return this.members.map((member) => member.connectString).join(',');
  }

  /** Waits for a leader: there is none during an election. */
  async leader(timeoutMs: number = READY_MS) {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const [leader] = await this.#withRole('leader');
      if (leader) return leader;
      if (performance.now() > deadline) throw new Error(`no leader within ${timeoutMs} ms`);
      await sleep(POLL_MS);
    }
  }

  /** The members that follow a leader at the moment. */
  async followers() {
    return await this.#withRole('follower');
  }

  async #withRole(wanted: 'leader' | 'follower') {
    const roles = await Promise.all(this.members.map((member) => member.role()));
    return this.members.filter((_, index) => roles[index] === wanted);
  }

  async stop() {
    await Promise.all(this.members.map((member) => member.stop()));
  }
}

/** The line for `member` in the configuration of `self`. `self` listens at its own address. */
async function memberLine(self: MemberAddress, member: MemberAddress, reach: Reach | undefined) {
  const seen =
    reach === undefined || self.id === member.id ? member : await reach({ from: self, to: member });
  return `server.${member.id}=${seen.host}:${seen.quorumPort}:${seen.electionPort}`;
}
