/**
 * A ZooKeeper ensemble in memory, written after the sources of the servers. Clients reach it by
 * simulated sockets, in the wire protocol.
 */
import { Pipe } from '../network/link.ts';
import type { Network } from '../network/network.ts';
import { configOf, type EnsembleConfig, type EnsembleOptions } from './config.ts';
import { Member } from './member.ts';
import type { Notification } from './quorum/packets.ts';

/** Milliseconds of simulated time in which an election ends, when nothing is broken. */
const READY_MS = 60_000;

export class SimulatedEnsemble {
  readonly config: EnsembleConfig;
  readonly network: Network;
  readonly members: readonly Member[];
  /** Votes on their way, by sender and receiver. */
  readonly #votes = new Map<string, Pipe<Notification>>();

  constructor(network: Network, options: EnsembleOptions = {}) {
    this.network = network;
    this.config = configOf(options);
    const { config } = this;
    const sendVote = (from: Member, to: number, vote: Notification) => this.#send(from, to, vote);
    this.members = [...config.participants, ...config.observers].map((id) => {
      const own = options.ownMaxSessionTimeoutMs?.[id - 1];
      const maxSessionTimeoutMs = own ?? config.maxSessionTimeoutMs;
      return new Member({ id, network, config: { ...config, maxSessionTimeoutMs }, sendVote });
    });
  }

  /** Starts all members that are down. */
  start(): void {
    for (const member of this.members) member.start();
  }

  member(id: number): Member {
    const member = this.members[id - 1];
    if (member === undefined) throw new Error(`no member ${id}`);
    return member;
  }

  /**
   * Members that serve as leader: two while a deposed leader has not noticed.
   */
  get leaders(): readonly Member[] {
    return this.members.filter((member) => member.leading !== null);
  }

  /** @throws Error where there is none, or more than one */
  get leader(): Member {
    const [leader, other] = this.leaders;
    if (leader === undefined || other !== undefined) throw new Error('not exactly one leader');
    return leader;
  }

  /** Those that follow and serve, the smallest id first. */
  get followers(): readonly Member[] {
    return this.members.filter((member) => member.state === 'following' && member.isServing);
  }

  get observers(): readonly Member[] {
    return this.members.filter((member) => this.config.observers.includes(member.id));
  }

  /** Until all members serve, one of them as the leader. */
  async ready(): Promise<void> {
    const isReady = () =>
      this.leaders.length === 1 && this.members.every((member) => member.isServing);
    await this.network.simulation.until(isReady, 'all members serve', READY_MS);
  }

  /**
   * Sets the number of the next sequential node below a path on all members that are up, as if so
   * many had been created there. For tests of the last numbers.
   */
  setSequence(path: string, next: number): void {
    for (const member of this.members) {
      if (member.state !== 'down') member.tree.existing(path).stat.cversion = next;
    }
  }

  #send(from: Member, to: number, vote: Notification): void {
    if (from.id === to) {
      const { process } = from;
      process.post(0, () => from.receiveVote(vote));
      return;
    }
    const key = `${from.id}>${to}`;
    let pipe = this.#votes.get(key);
    if (pipe === undefined) {
      const receiver = this.member(to);
      const link = this.network.link(from.host.name, receiver.host.name, 'election');
      pipe = new Pipe(link, (arrived) => receiver.receiveVote(arrived));
      this.#votes.set(key, pipe);
    }
    pipe.send(vote);
  }
}
