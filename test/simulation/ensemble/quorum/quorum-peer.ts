/**
 * The server process of a member (`QuorumPeer`): its roles one after the other, and its clients.
 */
import type { SimulatedProcess } from '../../kernel/process.ts';
import type { Endpoint } from '../../network/connection.ts';
import type { Network } from '../../network/network.ts';
import { CLIENT_PORT, type EnsembleConfig } from '../config.ts';
import { ClientConnection } from '../server/client-connection.ts';
import type { ClientServer } from '../server/client-server.ts';
import type { Disk } from '../server/disk.ts';
import type { Database } from '../tree/database.ts';
import { Election } from './election.ts';
import { Leader } from './leader.ts';
import { Learner } from './learner.ts';
import type { Notification, PeerState, Vote } from './packets.ts';
import type { Peer, Role } from './peer.ts';

export interface QuorumPeerOptions {
  readonly id: number;
  readonly process: SimulatedProcess;
  readonly network: Network;
  readonly config: EnsembleConfig;
  readonly disk: Disk;
  readonly sendVote: (to: number, notification: Notification) => void;
}

type State =
  | { readonly kind: 'looking'; readonly election: Election }
  | { readonly kind: 'decided'; readonly role: Role };

/** Milliseconds: `Observer.observerElectionDelayMs`. */
const MAX_OBSERVER_DELAY_MS = 200;
const NO_VOTE = -(2 ** 40);

export class QuorumPeer implements Peer {
  readonly id: number;
  readonly process: SimulatedProcess;
  readonly network: Network;
  readonly config: EnsembleConfig;
  readonly disk: Disk;
  database: Database;
  readonly #options: QuorumPeerOptions;
  #state: State | null = null;
  #vote: Vote;
  /** The connections of clients, with the server that they belong to. */
  readonly #servers = new Map<ClientConnection, ClientServer>();

  constructor(options: QuorumPeerOptions) {
    this.#options = options;
    this.id = options.id;
    this.process = options.process;
    this.network = options.network;
    this.config = options.config;
    this.disk = options.disk;
    this.database = this.disk.load();
    this.#vote = { leader: this.id, zxid: 0, electionEpoch: 0, peerEpoch: 0 };
  }

  start(): void {
    this.network.listen<Buffer>(this.process, String(CLIENT_PORT), (endpoint) =>
      this.#accept(endpoint),
    );
    this.#look();
  }

  get state(): PeerState {
    const state = this.#state;
    return state?.kind === 'decided' ? state.role.kind : 'looking';
  }

  /** undefined while it is looking for a leader. */
  get role(): Role | undefined {
    return this.#state?.kind === 'decided' ? this.#state.role : undefined;
  }

  /** Whether clients are served. */
  get isServing(): boolean {
    return this.role?.server?.isRunning === true;
  }

  receiveVote(notification: Notification): void {
    const state = this.#state;
    if (state?.kind === 'looking') return state.election.receive(notification);
    if (state === null || notification.state !== 'looking') return;
    const answer = { ...this.#vote, from: this.id, state: state.role.kind };
    this.#options.sendVote(notification.from, answer);
  }

  serve(): void {
    this.#note('serves');
  }

  setPeerEpoch(peerEpoch: number): void {
    this.#vote = { ...this.#vote, peerEpoch };
  }

  /** `Leader.shutdown`, `Learner.shutdown`: closes all clients' connections. */
  lookAgain(reason: string): void {
    this.#note(reason);
    if (this.#state?.kind === 'decided') this.#state.role.stop();
    for (const connection of [...this.#servers.keys()]) connection.close();
    this.#state = null;
    this.disk.catchUp(this.database);
    this.database.tree.lastProcessedZxid = this.disk.lastLoggedZxid;
    const isObserver = this.config.observers.includes(this.id);
    const delay = isObserver ? this.process.random.between(0, MAX_OBSERVER_DELAY_MS) : 0;
    this.process.post(delay, () => this.#look());
  }

  #look(): void {
    this.#note('looking');
    const isObserver = this.config.observers.includes(this.id);
    const { lastLoggedZxid, currentEpoch } = this.disk;
    const initial = isObserver
      ? { leader: NO_VOTE, zxid: NO_VOTE, peerEpoch: NO_VOTE }
      : { leader: this.id, zxid: lastLoggedZxid, peerEpoch: currentEpoch };
    const election = new Election({
      ...{ process: this.process, id: this.id, config: this.config, initial },
      epoch: this.#vote.electionEpoch,
      send: this.#options.sendVote,
      onElected: (vote) => this.#decide(vote),
    });
    this.#state = { kind: 'looking', election };
  }

  #decide(vote: Vote): void {
    this.#vote = vote;
    this.#note('elected', vote.leader);
    const role = vote.leader === this.id ? new Leader(this) : new Learner(this, vote.leader);
    this.#state = { kind: 'decided', role };
    role.start();
  }

  #accept(endpoint: Endpoint<Buffer>): void {
    new ClientConnection(endpoint, this.config.traits, {
      onHandshake: (connection, frame) => {
        const server = this.role?.server;
        // "ZooKeeperServer not running"
        if (server === undefined) return connection.close();
        this.#servers.set(connection, server);
        server.connect(connection, frame);
      },
      onRequest: (connection, frame) => this.#servers.get(connection)?.receive(connection, frame),
      onClosed: (connection) => {
        this.#servers.get(connection)?.closed(connection);
        this.#servers.delete(connection);
      },
    });
  }

  #note(what: string, number = 0): void {
    const { simulation, name } = this.process;
    simulation.trace.note(simulation.now, name, what, number);
  }
}
