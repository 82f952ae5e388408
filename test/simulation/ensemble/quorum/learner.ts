/**
 * A member that follows or observes a leader (`Follower`, `Observer`, `Learner`): it registers,
 * gets the leader's history, and serves until its connection to the leader ends.
 */
import type { Endpoint } from '../../network/connection.ts';
import type { Traffic } from '../../network/network.ts';
import { hostOf, OBSERVER_PORT, QUORUM_PORT } from '../config.ts';
import type { ClientServer } from '../server/client-server.ts';
import type { Transaction } from '../tree/transaction.ts';
import { LearnerServer } from './learner-server.ts';
import { ObserverMaster } from './observer-master.ts';
import type { QuorumPacket } from './packets.ts';
import type { Peer, Role } from './peer.ts';
import { Watchdog } from './watchdog.ts';

/** Received between the leader's choice of a synchronization and UPTODATE. */
interface History {
  /** Proposals that are not committed yet. */
  readonly proposed: Transaction[];
  /** NEWLEADER was acknowledged: from now on proposals go to the log first. */
  isAcknowledged: boolean;
  /** Commits behind NEWLEADER: zxids. */
  readonly committed: number[];
}

type Phase =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'registering' }
  | { readonly kind: 'synchronizing'; readonly history: History }
  | { readonly kind: 'serving'; readonly server: LearnerServer }
  | { readonly kind: 'stopped' };

/** Milliseconds and number (`Learner.connectToLeader`). */
const RETRY_MS = 100;
const MAX_TRIES = 5;
/** Milliseconds for which a touch may race with the answer to a ping, at most. */
const MAX_HAND_OVER_MS = 0.1;

export class Learner implements Role {
  readonly kind: 'following' | 'observing';
  readonly #peer: Peer;
  readonly #target: { readonly host: string; readonly port: string; readonly traffic: Traffic };
  readonly #watchdog: Watchdog;
  #endpoint: Endpoint<QuorumPacket> | null = null;
  #phase: Phase = { kind: 'connecting' };
  #observers: ObserverMaster | null = null;
  /** For observers behind this follower. */
  readonly #proposedToObservers: Transaction[] = [];
  #epoch = 0;
  /** Packets that wait while the one reading thread writes the answer to a ping; null: it reads. */
  #unread: QuorumPacket[] | null = null;

  constructor(peer: Peer, leader: number) {
    this.#peer = peer;
    const { config, id } = peer;
    const isObserver = config.observers.includes(id);
    this.kind = isObserver ? 'observing' : 'following';
    // `QuorumPeer.findLearnerMaster`: one that is the leader itself listens for no observers.
    const master = isObserver && config.observerMaster !== leader ? config.observerMaster : null;
    this.#target =
      master === null
        ? { host: hostOf(leader), port: QUORUM_PORT, traffic: 'quorum' }
        : { host: hostOf(master), port: OBSERVER_PORT, traffic: 'observer' };
    this.#watchdog = new Watchdog(peer.process, config.tickMs * config.initLimit, () =>
      this.#end('no word from the leader'),
    );
  }

  get server(): ClientServer | undefined {
    return this.#phase.kind === 'serving' ? this.#phase.server.clients : undefined;
  }

  start(): void {
    this.#connect(1);
  }

  stop(): void {
    if (this.#phase.kind === 'serving') this.#phase.server.stop();
    this.#phase = { kind: 'stopped' };
    this.#watchdog.stop();
    this.#observers?.stop();
    this.#endpoint?.close();
  }

  #end(reason: string): void {
    if (this.#phase.kind !== 'stopped') this.#peer.lookAgain(reason);
  }

  #send(packet: QuorumPacket): void {
    this.#endpoint?.send(packet);
  }

  #connect(attempt: number): void {
    const { network, process, id, disk } = this.#peer;
    network.connect<QuorumPacket>(process, this.#target, {
      onConnected: (endpoint) => {
        if (this.#phase.kind !== 'connecting') return endpoint.close();
        this.#phase = { kind: 'registering' };
        this.#endpoint = endpoint;
        endpoint.listen({
          onItem: (packet) => this.#receive(packet),
          onClosed: (reason) => this.#end(`the connection to the leader was ${reason}`),
        });
        this.#send({ type: 'info', id, acceptedEpoch: disk.acceptedEpoch });
      },
      onRefused: () => {
        if (this.#phase.kind !== 'connecting') return;
        if (attempt === MAX_TRIES) return this.#end('the leader does not listen');
        process.post(RETRY_MS, () => this.#connect(attempt + 1));
      },
    });
  }

  #receive(packet: QuorumPacket): void {
    this.#watchdog.heard();
    if (this.#unread === null) this.#handle(packet);
    else this.#unread.push(packet);
  }

  #handle(packet: QuorumPacket): void {
    switch (this.#phase.kind) {
      case 'registering':
        return this.#onRegistering(packet);
      case 'synchronizing':
        return this.#onSynchronizing(packet, this.#phase.history);
      case 'serving':
        return this.#onServing(packet, this.#phase.server);
      case 'connecting':
      case 'stopped':
        return;
    }
  }

  // ---- `registerWithLeader`, `syncWithLeader` ----

  #onRegistering(packet: QuorumPacket): void {
    const { disk } = this.#peer;
    switch (packet.type) {
      case 'leader info': {
        const { epoch } = packet;
        if (epoch < disk.acceptedEpoch) return this.#end('the epoch of the leader is lower');
        const currentEpoch = epoch > disk.acceptedEpoch ? disk.currentEpoch : -1;
        disk.acceptedEpoch = epoch;
        this.#epoch = epoch;
        const lastZxid = disk.lastLoggedZxid;
        return this.#send({ type: 'epoch ack', currentEpoch, lastZxid });
      }
      case 'diff':
        break;
      case 'trunc':
        // The server would exit.
        if (!disk.truncate(packet.zxid)) throw new Error('a snapshot beyond the leader');
        this.#peer.database = disk.load();
        break;
      case 'snap':
        this.#peer.database = packet.database;
        disk.replace(packet.database);
        break;
      default:
        return this.#end(`expected a synchronization, not ${packet.type}`);
    }
    const history = { proposed: [], committed: [], isAcknowledged: false };
    this.#phase = { kind: 'synchronizing', history };
  }

  #onSynchronizing(packet: QuorumPacket, history: History): void {
    switch (packet.type) {
      case 'proposal':
        history.proposed.push(packet.transaction);
        return;
      case 'commit':
        if (history.isAcknowledged) history.committed.push(packet.zxid);
        else this.#applyNow(history.proposed.shift(), packet.zxid);
        return;
      case 'inform':
        if (history.isAcknowledged) {
          history.proposed.push(packet.transaction);
          history.committed.push(packet.transaction.header.zxid);
        } else {
          this.#applyNow(packet.transaction, packet.transaction.header.zxid);
        }
        return;
      case 'new leader': {
        const { disk, config, database } = this.#peer;
        disk.saveSnapshot(database);
        disk.currentEpoch = this.#epoch;
        history.isAcknowledged = true;
        this.#watchdog.setBound(config.tickMs * config.syncLimit);
        return this.#send({ type: 'ack', zxid: packet.zxid });
      }
      case 'up to date':
        return this.#startServing(history);
      case 'ping':
        // Read by the loop, and not answered, until the server runs.
        return;
      default:
        return this.#end(`not expected before UPTODATE: ${packet.type}`);
    }
  }

  #applyNow(transaction: Transaction | undefined, zxid: number): void {
    if (transaction?.header.zxid !== zxid) throw new Error('a commit of what was not proposed');
    this.#peer.database.apply(transaction);
  }

  #startServing({ proposed, committed }: History): void {
    const isObserver = this.kind === 'observing';
    const send = (packet: QuorumPacket) => this.#send(packet);
    const server = new LearnerServer({ peer: this.#peer, send, isObserver });
    this.#phase = { kind: 'serving', server };
    this.#send({ type: 'ack', zxid: this.#epoch * 2 ** 32 });
    this.#peer.setPeerEpoch(this.#epoch);
    if (isObserver) {
      for (const transaction of proposed) server.inform(transaction);
    } else {
      for (const transaction of proposed) server.propose(transaction);
      for (const zxid of committed) server.commit(zxid);
    }
    if (this.#peer.config.observerMaster === this.#peer.id) {
      this.#observers = new ObserverMaster(this.#peer, server, send);
      for (const transaction of proposed) this.#proposedToObservers.push(transaction);
      for (const zxid of committed) this.#commitToObservers(zxid);
    }
    this.#peer.serve(server.clients);
  }

  // ---- `processPacket` ----

  #onServing(packet: QuorumPacket, server: LearnerServer): void {
    switch (packet.type) {
      case 'ping':
        return this.#answerPing(server);
      case 'proposal':
        if (this.#observers !== null) this.#proposedToObservers.push(packet.transaction);
        return server.propose(packet.transaction);
      case 'commit':
        server.commit(packet.zxid);
        return this.#commitToObservers(packet.zxid);
      case 'inform':
        return server.inform(packet.transaction);
      case 'revalidated': {
        const { session, isValid } = packet;
        if (this.#observers?.revalidated(session, isValid)) return;
        return server.revalidated(session, isValid);
      }
      case 'synced':
        return server.synced();
      default:
        return this.#end(`not expected of a leader: ${packet.type}`);
    }
  }

  #commitToObservers(zxid: number): void {
    if (this.#observers === null) return;
    const transaction = this.#proposedToObservers[0];
    if (transaction?.header.zxid !== zxid) return;
    this.#proposedToObservers.shift();
    this.#observers.committed(transaction);
  }

  /** `Learner.ping`: nothing else is read meanwhile. */
  #answerPing(server: LearnerServer): void {
    const { process } = this.#peer;
    server.touches.beginHandOver();
    this.#unread = [];
    process.post(process.random.between(0, MAX_HAND_OVER_MS), () => {
      const unread = this.#unread ?? [];
      this.#unread = null;
      if (this.#phase.kind === 'stopped') return;
      this.#send({ type: 'touches', touches: server.touches.endHandOver() });
      while (unread.length > 0) {
        const next = unread.shift() as QuorumPacket;
        this.#handle(next);
        // Another ping: the rest waits for its answer.
        if (this.#unread !== null) {
          (this.#unread as QuorumPacket[]).unshift(...unread);
          return;
        }
      }
    });
  }
}
