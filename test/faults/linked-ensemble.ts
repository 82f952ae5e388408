/** An ensemble of three whose members reach each other through proxies. */
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { type Ensemble, type Server, startEnsemble } from '../support/zookeeper.ts';

export interface LinkedEnsemble {
  readonly ensemble: Ensemble;
  /** The proxy through which one member reaches the quorum port of the other. */
  link(from: Server, to: Server): FaultProxy;
  /** The quorum links of a member, in both directions. */
  linksOf(member: Server): readonly FaultProxy[];
  /** Ends all faults; resolves when all members serve. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

export async function startLinkedEnsemble(): Promise<LinkedEnsemble> {
  /** `from>to`, by id. */
  const links = new Map<string, FaultProxy>();
  const ensemble = await startEnsemble({
    tickTime: 500,
    initLimit: 20,
    // Longer than any pause here: a member that is cut off or stopped keeps its role.
    syncLimit: 60,
    reach: async ({ from, to }) => {
      const proxy = await startFaultProxy(to.host, to.quorumPort);
      links.set(`${from.id}>${to.id}`, proxy);
      return { host: proxy.host, quorumPort: proxy.port, electionPort: to.electionPort };
    },
  });
  const idOf = (member: Server) => String(ensemble.members.indexOf(member) + 1);
  return {
    ensemble,
    link: (from, to) => {
      const link = links.get(`${idOf(from)}>${idOf(to)}`);
      if (link === undefined) throw new Error('no such link');
      return link;
    },
    linksOf: (member) =>
      [...links].flatMap(([name, link]) => (name.split('>').includes(idOf(member)) ? [link] : [])),
    heal: async () => {
      for (const link of links.values()) await link.pass();
      for (const member of ensemble.members) if (!member.running) await member.restart();
      // A member that was cut off may not have rejoined yet.
      for (const member of ensemble.members) await member.ready();
    },
    stop: async () => {
      await ensemble.stop();
      for (const link of links.values()) await link.close();
    },
  };
}
