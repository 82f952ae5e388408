/**
 * A member of the ensemble: its host and disk, and its server process, which may be killed and
 * started.
 */
import { SimulatedHost, SimulatedProcess } from '../kernel/process.ts';
import type { Delay } from '../network/link.ts';
import type { Network } from '../network/network.ts';
import { type EnsembleConfig, hostOf } from './config.ts';
import { Leader } from './quorum/leader.ts';
import type { LeaderServer } from './quorum/leader-server.ts';
import type { Notification, PeerState } from './quorum/packets.ts';
import { QuorumPeer } from './quorum/quorum-peer.ts';
import { Disk } from './server/disk.ts';
import type { DataTree } from './tree/data-tree.ts';

export interface MemberOptions {
  readonly id: number;
  readonly network: Network;
  readonly config: EnsembleConfig;
  readonly sendVote: (from: Member, to: number, notification: Notification) => void;
}

type State = { readonly kind: 'down' } | { readonly kind: 'up'; readonly peer: QuorumPeer };

export class Member {
  readonly id: number;
  readonly host: SimulatedHost;
  readonly disk: Disk;
  readonly #options: MemberOptions;
  #state: State = { kind: 'down' };

  constructor(options: MemberOptions) {
    this.#options = options;
    this.id = options.id;
    const { simulation } = options.network;
    this.host = new SimulatedHost(simulation, hostOf(options.id));
    this.disk = new Disk(simulation.random(`disk ${options.id}`), options.config.fsync);
  }

  get state(): PeerState | 'down' {
    return this.#state.kind === 'up' ? this.#state.peer.state : 'down';
  }

  get isServing(): boolean {
    return this.#state.kind === 'up' && this.#state.peer.isServing;
  }

  /** What this server has applied. */
  get tree(): DataTree {
    return this.#running.database.tree;
  }

  /** null where this member does not lead, or does not serve yet. */
  get leading(): LeaderServer | null {
    const role = this.#state.kind === 'up' ? this.#state.peer.role : undefined;
    return role instanceof Leader ? role.leading : null;
  }

  get process(): SimulatedProcess {
    return this.#running.process;
  }

  start(): void {
    if (this.#state.kind === 'up') return;
    const { id, network, config, sendVote } = this.#options;
    const peer = new QuorumPeer({
      ...{ id, network, config, disk: this.disk },
      process: new SimulatedProcess(this.host, `server ${id}`),
      sendVote: (to, notification) => sendVote(this, to, notification),
    });
    this.#state = { kind: 'up', peer };
    peer.start();
  }

  /** SIGKILL: what was not synced to disk is lost. The kernel closes the connections. */
  kill(): void {
    if (this.#state.kind === 'down') return;
    this.#state.peer.process.end();
    this.#state = { kind: 'down' };
  }

  /** SIGSTOP, or a pause of the garbage collector. */
  pause(): void {
    this.process.pause();
  }

  resume(): void {
    this.process.resume();
  }

  setFsync(fsync: Delay): void {
    this.disk.setFsync(fsync);
  }

  /** No fsync ends for so long; milliseconds. */
  stallDisk(ms: number): void {
    this.disk.stalledUntil = this.host.simulation.now + ms;
  }

  receiveVote(notification: Notification): void {
    if (this.#state.kind === 'down') return;
    const { peer } = this.#state;
    peer.process.enter(() => peer.receiveVote(notification));
  }

  get #running(): QuorumPeer {
    if (this.#state.kind === 'down') throw new Error(`member ${this.id} is down`);
    return this.#state.peer;
  }
}
