/**
 * A member that was elected (`Leader`): finds an epoch with a quorum, brings learners up to date,
 * then proposes and commits until it has no quorum of learners that answer.
 *
 * It notices the loss of its quorum only by its own clock and count of ticks. Until then it serves
 * reads and revalidates sessions, also while another leader is elected.
 */
import type { ScheduledEvent } from '../../kernel/event-queue.ts';
import { isQuorum, QUORUM_PORT } from '../config.ts';
import type { ClientServer } from '../server/client-server.ts';
import { newRequest, type ServerRequest } from '../server/request.ts';
import { epochOf, zxidOf } from '../tree/transaction.ts';
import { LeaderServer } from './leader-server.ts';
import { LearnerHandler } from './learner-handler.ts';
import type { QuorumPacket } from './packets.ts';
import type { Peer, Role } from './peer.ts';
import { Proposals } from './proposals.ts';
import { synchronize } from './synchronization.ts';

type Phase =
  /** Waits for a quorum of learners, to choose an epoch above all that they have accepted. */
  | { readonly kind: 'discovery'; readonly learners: Map<number, number> }
  /** Waits for a quorum that has accepted the epoch. */
  | { readonly kind: 'epoch'; readonly accepted: Set<number> }
  /** Waits for a quorum that has the leader's history. */
  | { readonly kind: 'synchronization'; readonly acks: Set<number> }
  | { readonly kind: 'broadcast'; readonly server: LeaderServer }
  | { readonly kind: 'stopped' };

export class Leader implements Role {
  readonly kind = 'leading';
  readonly #peer: Peer;
  readonly #handlers = new Set<LearnerHandler>();
  /** Learners whose `epoch ack` waits for the quorum. */
  readonly #waiting: { readonly handler: LearnerHandler; readonly lastZxid: number }[] = [];
  /** Those that UPTODATE was sent to. */
  readonly #served = new WeakSet<LearnerHandler>();
  readonly #proposals: Proposals;
  #phase: Phase = { kind: 'discovery', learners: new Map() };
  #epoch: number;
  #tick = 0;
  #isOddHalf = true;
  #timeout: ScheduledEvent | null = null;

  constructor(peer: Peer) {
    this.#peer = peer;
    this.#epoch = peer.disk.acceptedEpoch + 1;
    this.#proposals = new Proposals(peer.config, {
      handlers: () => this.#handlers,
      onCommitted: (request) => this.#server?.commits.commit(request),
    });
  }

  start(): void {
    const { network, process, config, id, disk } = this.#peer;
    network.listen<QuorumPacket>(process, QUORUM_PORT, (endpoint) => {
      const deadline = this.#tick + config.initLimit + config.syncLimit;
      const events = {
        onPacket: (handler: LearnerHandler, packet: QuorumPacket) => this.#receive(handler, packet),
        onGone: (handler: LearnerHandler) => this.#handlers.delete(handler),
      };
      this.#handlers.add(new LearnerHandler({ process, config, endpoint, events }, deadline));
    });
    this.#startTimeout();
    this.#learned(id, disk.acceptedEpoch);
  }

  get server(): ClientServer | undefined {
    return this.#server?.clients;
  }

  /** null until it serves. */
  get leading(): LeaderServer | null {
    return this.#server;
  }

  stop(): void {
    this.#server?.stop();
    this.#phase = { kind: 'stopped' };
    this.#stopTimeout();
    this.#peer.network.unlisten(this.#peer.process.host.name, QUORUM_PORT);
    for (const handler of [...this.#handlers]) handler.close();
  }

  get #server(): LeaderServer | null {
    return this.#phase.kind === 'broadcast' ? this.#phase.server : null;
  }

  // ---- Packets ----

  #receive(handler: LearnerHandler, packet: QuorumPacket): void {
    handler.tickOfNextAckDeadline = Math.max(
      handler.tickOfNextAckDeadline,
      this.#tick + this.#peer.config.syncLimit,
    );
    switch (packet.type) {
      case 'info':
        handler.id = packet.id;
        return this.#learned(packet.id, packet.acceptedEpoch, handler);
      case 'epoch ack':
        return this.#onEpochAck(handler, packet);
      case 'ack':
        return this.#onAck(handler, packet.zxid);
      case 'touches':
        for (const [session, ms] of packet.touches) this.#server?.sessions.touch(session, ms);
        return;
      case 'revalidate': {
        const { session, timeoutMs } = packet;
        const server = this.#server;
        if (server === null) return;
        const isValid = server.revalidateFor(handler, session, timeoutMs);
        return handler.send({ type: 'revalidated', session, isValid });
      }
      case 'request':
        this.#server?.submitForwarded(newRequest({ ...packet.request, owner: handler }));
        return;
      default:
        throw new Error(`a learner does not send ${packet.type}`);
    }
  }

  // ---- Discovery: `getEpochToPropose`, `waitForEpochAck` ----

  #learned(id: number, acceptedEpoch: number, handler?: LearnerHandler): void {
    const { config } = this.#peer;
    if (this.#phase.kind !== 'discovery') {
      handler?.send({ type: 'leader info', epoch: this.#epoch });
      return;
    }
    const { learners } = this.#phase;
    this.#epoch = Math.max(this.#epoch, acceptedEpoch + 1);
    if (config.participants.includes(id)) learners.set(id, acceptedEpoch);
    if (!isQuorum(config, new Set(learners.keys()))) return;
    this.#phase = { kind: 'epoch', accepted: new Set([this.#peer.id]) };
    this.#peer.disk.acceptedEpoch = this.#epoch;
    for (const each of this.#handlers) {
      if (each.id !== -1) each.send({ type: 'leader info', epoch: this.#epoch });
    }
    this.#startTimeout();
    this.#countEpochAcks();
  }

  #onEpochAck(
    handler: LearnerHandler,
    { currentEpoch, lastZxid }: Extract<QuorumPacket, { type: 'epoch ack' }>,
  ): void {
    if (this.#phase.kind !== 'epoch') return this.#bringUpToDate(handler, lastZxid);
    const { disk, database, config } = this.#peer;
    const ownZxid = database.tree.lastProcessedZxid;
    const isAhead =
      currentEpoch > disk.currentEpoch ||
      (currentEpoch === disk.currentEpoch && lastZxid > ownZxid);
    // "Follower is ahead of the leader"
    if (currentEpoch !== -1 && isAhead) return handler.close();
    if (currentEpoch !== -1 && config.participants.includes(handler.id)) {
      this.#phase.accepted.add(handler.id);
    }
    this.#waiting.push({ handler, lastZxid });
    this.#countEpochAcks();
  }

  #countEpochAcks(): void {
    if (this.#phase.kind !== 'epoch') return;
    if (!isQuorum(this.#peer.config, this.#phase.accepted)) return;
    this.#phase = { kind: 'synchronization', acks: new Set() };
    this.#peer.disk.currentEpoch = this.#epoch;
    this.#startTimeout();
    for (const { handler, lastZxid } of this.#waiting.splice(0)) {
      this.#bringUpToDate(handler, lastZxid);
    }
    this.#countAcks(this.#peer.id);
  }

  // ---- Synchronization: `syncFollower`, `startForwarding`, `waitForNewLeaderAck` ----

  #bringUpToDate(handler: LearnerHandler, lastZxid: number): void {
    if (!handler.isOpen) return;
    const seen = synchronize(this.#peer.database, lastZxid, (packet) => handler.send(packet));
    this.#proposals.forwardTo(handler, seen);
    handler.isForwarded = true;
    handler.send({ type: 'new leader', zxid: zxidOf(this.#epoch, 0) });
  }

  #onAck(handler: LearnerHandler, zxid: number): void {
    handler.acknowledged(zxid);
    if (zxid !== zxidOf(this.#epoch, 0)) return this.#acknowledged(handler.id, zxid);
    switch (this.#phase.kind) {
      case 'synchronization':
        handler.synchronized();
        return this.#countAcks(handler.id);
      case 'broadcast':
        // The first of two: for NEWLEADER, and for UPTODATE.
        handler.synchronized();
        return this.#upToDate(handler);
      default:
        return;
    }
  }

  #countAcks(id: number): void {
    if (this.#phase.kind !== 'synchronization') return;
    const { acks } = this.#phase;
    acks.add(id);
    if (!isQuorum(this.#peer.config, acks)) return;
    this.#startServing();
    for (const handler of this.#handlers) if (acks.has(handler.id)) this.#upToDate(handler);
  }

  #upToDate(handler: LearnerHandler): void {
    if (this.#served.has(handler)) return;
    this.#served.add(handler);
    handler.send({ type: 'up to date' });
  }

  // ---- Broadcast ----

  #startServing(): void {
    this.#stopTimeout();
    const firstZxid = zxidOf(this.#epoch, 0);
    const server = new LeaderServer({
      peer: this.#peer,
      firstZxid,
      propose: (request) => this.#proposals.propose(request),
      onSynced: (zxid) => this.#acknowledged(this.#peer.id, zxid),
      sync: (request) => this.#sync(request),
      onApplied: (zxid) => this.#proposals.applied(zxid),
    });
    this.#proposals.start(firstZxid);
    this.#phase = { kind: 'broadcast', server };
    this.#peer.setPeerEpoch(epochOf(firstZxid));
    this.#peer.serve(server.clients);
    this.#waitHalfTick();
  }

  #acknowledged(id: number, zxid: number): void {
    this.#proposals.acknowledged(id, zxid);
  }

  /** A sync of a learner is answered when all that was proposed before it is committed. */
  #sync({ owner }: ServerRequest): boolean {
    if (!(owner instanceof LearnerHandler)) return false;
    this.#proposals.whenCommitted(() => owner.send({ type: 'synced' }));
    return true;
  }

  /** Pings every half tick, and every tick counts the learners that were heard from. */
  #waitHalfTick(): void {
    const { process, config } = this.#peer;
    process.post(process.host.simulated(config.tickMs / 2), () => {
      if (this.#phase.kind !== 'broadcast') return;
      if (!this.#isOddHalf) {
        this.#tick += 1;
        if (!this.#hasSyncedQuorum()) {
          return this.#peer.lookAgain('not sufficient followers synced');
        }
      }
      this.#isOddHalf = !this.#isOddHalf;
      for (const handler of [...this.#handlers]) if (handler.isForwarded) handler.ping();
      this.#waitHalfTick();
    });
  }

  #hasSyncedQuorum(): boolean {
    const synced = [...this.#handlers].filter((each) => this.#tick <= each.tickOfNextAckDeadline);
    return isQuorum(this.#peer.config, new Set([this.#peer.id, ...synced.map(({ id }) => id)]));
  }

  // ---- Bounds ----

  #startTimeout(): void {
    this.#stopTimeout();
    const { process, config } = this.#peer;
    this.#timeout = process.post(config.initLimit * config.tickMs, () => {
      this.#peer.lookAgain(`no quorum in ${this.#phase.kind}`);
    });
  }

  #stopTimeout(): void {
    if (this.#timeout !== null) this.#peer.process.simulation.cancel(this.#timeout);
    this.#timeout = null;
  }
}
