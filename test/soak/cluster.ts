/** The soak's ensemble of three members, connected through proxies on their quorum ports. */
import {
  type Ensemble,
  findZookeeper,
  type MemberAddress,
  type Server,
  startEnsemble,
} from '../../scripts/servers/zookeeper.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';

const TICK_MS = 500;
/**
 * A follower without a leader continues to answer its clients for this many ticks: 6 s, longer than
 * the session timeout, so that a lease that relies on such answers would be too long.
 */
const SYNC_LIMIT = 12;
/**
 * A member that is cut off can be elected, because votes use other ports. The other members then
 * try to follow it for this many ticks, and no member serves.
 */
const INIT_LIMIT = 12;
const SERVING_WITHIN_MS = 60_000;

export class Cluster {
  readonly #ensemble: Ensemble;
  /** From each member to each other one's quorum port: `from>to`, by id. */
  readonly #links: ReadonlyMap<string, FaultProxy>;

  constructor(ensemble: Ensemble, links: ReadonlyMap<string, FaultProxy>) {
    this.#ensemble = ensemble;
    this.#links = links;
  }

  get members(): readonly Server[] {
    return this.#ensemble.members;
  }

  nameOf(member: Server): string {
    return `member ${this.#idOf(member)}`;
  }

  /** Undefined if there is none within `timeoutMs`. */
  async leader(timeoutMs: number): Promise<Server | undefined> {
    return await this.#ensemble.leader(timeoutMs).catch(() => undefined);
  }

  async followers(): Promise<Server[]> {
    return await this.#ensemble.followers();
  }

  /** The proxy through which `from` connects to the quorum port of `to`. */
  link(from: Server, to: Server): FaultProxy {
    const name = `${this.#idOf(from)}>${this.#idOf(to)}`;
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`no link ${name}`);
    return link;
  }

  /** Partitions a member from the others, but not from its clients. */
  async cutOff(member: Server): Promise<void> {
    const id = this.#idOf(member);
    const links = [...this.#links].filter(([name]) => name.split('>').includes(id));
    await Promise.all(links.map(([, link]) => link.blackhole('both')));
  }

  /** Ends all faults of the links. */
  async healLinks(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.pass()));
  }

  /**
   * Waits until all members serve; rejects if one does not, because later results would be
   * worthless.
   */
  async untilServing(): Promise<void> {
    await Promise.all(this.members.map((member) => member.ready(SERVING_WITHIN_MS)));
  }

  /** The paths of all ephemeral nodes, as the leader lists them. */
  async ephemerals(): Promise<string[]> {
    const leader = await this.leader(5000);
    const dump = (await leader?.fourLetter('dump')) ?? '';
    return [...dump.matchAll(/^\t(\/\S+)$/gm)].map(([, path]) => path ?? '');
  }

  async stop(): Promise<void> {
    await this.#ensemble.stop();
    for (const link of this.#links.values()) await link.close();
  }

  #idOf(member: Server): string {
    return String(this.members.indexOf(member) + 1);
  }
}

export async function startCluster(maxLifeSeconds: number): Promise<Cluster> {
  if (findZookeeper() === undefined) throw new Error('ZooKeeper or Java is missing');
  const links = new Map<string, FaultProxy>();
  const reach = async ({ from, to }: { from: MemberAddress; to: MemberAddress }) => {
    const link = await startFaultProxy(to.host, to.quorumPort);
    links.set(`${from.id}>${to.id}`, link);
    return { host: link.host, quorumPort: link.port, electionPort: to.electionPort };
  };
  try {
    const ensemble = await startEnsemble({
      tickTime: TICK_MS,
      syncLimit: SYNC_LIMIT,
      initLimit: INIT_LIMIT,
      maxLifeSeconds,
      reach,
    });
    return new Cluster(ensemble, links);
  } catch (error) {
    for (const link of links.values()) await link.close();
    throw error;
  }
}
