/** The soak's ensemble of three, its members joined through proxies on their quorum ports. */
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
 * A follower that has lost its leader goes on answering its clients for this many ticks: 6 s, longer
 * than the session timeout, so that a lease that trusts it would be too long.
 */
const SYNC_LIMIT = 12;
/**
 * Who is cut off can be elected all the same, as votes travel by other ports; for this many ticks the
 * others then try to follow it, and nobody is served.
 */
const INIT_LIMIT = 12;
const SERVES_WITHIN_MS = 60_000;

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

  /** Undefined when there is none within `timeoutMs`. */
  async leader(timeoutMs: number): Promise<Server | undefined> {
    return await this.#ensemble.leader(timeoutMs).catch(() => undefined);
  }

  async followers(): Promise<Server[]> {
    return await this.#ensemble.followers();
  }

  /** By which `from` reaches the quorum port of `to`. */
  link(from: Server, to: Server): FaultProxy {
    const name = `${this.#idOf(from)}>${this.#idOf(to)}`;
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`there is no link ${name}`);
    return link;
  }

  /** Cuts a member off from the others, but not from its clients. */
  async cutOff(member: Server): Promise<void> {
    const id = this.#idOf(member);
    const links = [...this.#links].filter(([name]) => name.split('>').includes(id));
    await Promise.all(links.map(([, link]) => link.blackhole('both')));
  }

  /** Ends all faults of the links. */
  async mendLinks(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.pass()));
  }

  /** Waits until all members serve. Rejects when one does not: nothing after it would count. */
  async serves(): Promise<void> {
    await Promise.all(this.members.map((member) => member.ready(SERVES_WITHIN_MS)));
  }

  /** Paths of the ephemeral nodes that stand, as the leader knows them. */
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
