/**
 * Real ZooKeeper servers for tests, the demo and `npm start`: on loopback, with data in a temp directory
 * that goes when they stop. None outlives the process that started it. Never for production data:
 * nothing is synced to disk.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, freePorts, LOOPBACK } from './loopback.js';
import { POLL_MS, prepareServer, READY_MS } from './zookeeper-server.js';

export { findZookeeper } from './zookeeper-home.js';

/** @typedef {import('./zookeeper-server.js').Role} Role */
/** @typedef {import('./zookeeper-server.js').Server} Server */
/** @typedef {import('./zookeeper-server.js').ServerOptions} ServerOptions */

/**
 * @typedef {object} MemberAddress
 * @property {number} id from 1
 * @property {string} host
 * @property {number} port for clients
 * @property {number} quorumPort where the member listens while it leads: followers connect here
 * @property {number} electionPort
 */

/** @typedef {Pick<MemberAddress, 'host' | 'quorumPort' | 'electionPort'>} MemberRoute */

/**
 * Under which address `from` reaches `to`: the place for a proxy between two members. Followers
 * always connect to their leader's quorum port this way. Elections may not: a member with the greater
 * id dials back the election address that the other one has told it (ZooKeeper's QuorumCnxManager),
 * so a cut is a cut of the quorum port, not of every vote.
 *
 * @callback Reach
 * @param {{ from: MemberAddress, to: MemberAddress }} route
 * @returns {MemberRoute | Promise<MemberRoute>}
 */

/**
 * @typedef {Omit<ServerOptions, 'port'> & {
 *   size?: number,
 *   reach?: Reach,
 * }} EnsembleOptions `size`: how many members; 3 when not given
 */

/** @param {ServerOptions} [options] @returns {Promise<Server>} ready to serve */
export async function startServer(options = {}) {
  // Somebody else may take the free port before ZooKeeper does; a port that was asked for must do.
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

/** @param {EnsembleOptions} [options] @returns {Promise<Ensemble>} with a leader, all members ready */
export async function startEnsemble(options = {}) {
  const { size = 3, reach } = options;
  const ports = await freePorts(size * 3);
  const addresses = Array.from({ length: size }, (_, index) => ({
    id: index + 1,
    host: LOOPBACK,
    port: /** @type {number} */ (ports[index * 3]),
    quorumPort: /** @type {number} */ (ports[index * 3 + 1]),
    electionPort: /** @type {number} */ (ports[index * 3 + 2]),
  }));
  /** @type {Server[]} */
  const members = [];
  const ensemble = new Ensemble(members);
  try {
    for (const self of addresses) {
      const lines = await Promise.all(addresses.map((member) => memberLine(self, member, reach)));
      members.push(prepareServer({ port: self.port, options, id: self.id, lines }));
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
  /** @param {Server[]} members in the order of their ids, from 1 */
  constructor(members) {
    this.members = members;
  }

  get connectString() {
    return this.members.map((member) => member.connectString).join(',');
  }

  /** Waits for one, as there is none during an election. @param {number} [timeoutMs] */
  async leader(timeoutMs = READY_MS) {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const [leader] = await this.#withRole('leader');
      if (leader) return leader;
      if (performance.now() > deadline) throw new Error(`no leader within ${timeoutMs} ms`);
      await sleep(POLL_MS);
    }
  }

  /** Those that follow a leader at the moment. */
  async followers() {
    return await this.#withRole('follower');
  }

  /** @param {'leader' | 'follower'} wanted */
  async #withRole(wanted) {
    const roles = await Promise.all(this.members.map((member) => member.role()));
    return this.members.filter((_, index) => roles[index] === wanted);
  }

  async stop() {
    await Promise.all(this.members.map((member) => member.stop()));
  }
}

/**
 * How `self` knows `member`, in `self`'s own file. Its own address is the real one: it listens there.
 *
 * @param {MemberAddress} self
 * @param {MemberAddress} member
 * @param {Reach | undefined} reach
 */
async function memberLine(self, member, reach) {
  const seen =
    reach === undefined || self.id === member.id ? member : await reach({ from: self, to: member });
  return `server.${member.id}=${seen.host}:${seen.quorumPort}:${seen.electionPort}`;
}
