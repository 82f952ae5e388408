/**
 * A follower that observers follow instead of the leader (`ObserverMaster`): it passes on their
 * requests and handshakes, and their touches get into its own table, so that they reach the leader
 * with its next answer to a ping.
 */
import { OBSERVER_PORT } from '../config.ts';
import { newRequest } from '../server/request.ts';
import type { Transaction } from '../tree/transaction.ts';
import { zxidOf } from '../tree/transaction.ts';
import type { SessionId } from '../wire/codes.ts';
import { LearnerHandler } from './learner-handler.ts';
import type { LearnerServer } from './learner-server.ts';
import type { QuorumPacket } from './packets.ts';
import type { Peer } from './peer.ts';
import { synchronize } from './synchronization.ts';

interface Revalidation {
  readonly session: SessionId;
  readonly timeoutMs: number;
  readonly handler: LearnerHandler;
}

/** Committed transactions that are kept for observers that just joined. */
const MAX_RECENT = 500;

export class ObserverMaster {
  readonly #peer: Peer;
  readonly #server: LearnerServer;
  readonly #sendToLeader: (packet: QuorumPacket) => void;
  readonly #handlers = new Set<LearnerHandler>();
  /** Those that UPTODATE was sent to. */
  readonly #served = new WeakSet<LearnerHandler>();
  /** In the order of asking; only the first is compared with the leader's answer. */
  readonly #revalidations: Revalidation[] = [];
  readonly #recent: Transaction[] = [];
  #isRunning = true;

  constructor(peer: Peer, server: LearnerServer, sendToLeader: (packet: QuorumPacket) => void) {
    this.#peer = peer;
    this.#server = server;
    this.#sendToLeader = sendToLeader;
    const { network, process, config } = peer;
    network.listen<QuorumPacket>(process, OBSERVER_PORT, (endpoint) => {
      const events = {
        onPacket: (handler: LearnerHandler, packet: QuorumPacket) => this.#receive(handler, packet),
        onGone: (handler: LearnerHandler) => this.#handlers.delete(handler),
      };
      const options = { process, config, endpoint, events };
      this.#handlers.add(new LearnerHandler(options, Number.POSITIVE_INFINITY));
    });
    this.#waitToPing();
  }

  stop(): void {
    this.#isRunning = false;
    this.#peer.network.unlisten(this.#peer.process.host.name, OBSERVER_PORT);
    for (const handler of [...this.#handlers]) handler.close();
  }

  committed(transaction: Transaction): void {
    this.#recent.push(transaction);
    if (this.#recent.length > 2 * MAX_RECENT) this.#recent.splice(0, MAX_RECENT);
    for (const handler of this.#handlers) {
      if (handler.isForwarded) handler.send({ type: 'inform', transaction });
    }
  }

  /** True where the answer was an observer's (`revalidateLearnerSession`). */
  revalidated(session: SessionId, isValid: boolean): boolean {
    const first = this.#revalidations[0];
    if (first === undefined || first.session !== session) return false;
    this.#revalidations.shift();
    first.handler.send({ type: 'revalidated', session, isValid });
    if (isValid) this.#server.touch(session, first.timeoutMs);
    return true;
  }

  #receive(handler: LearnerHandler, packet: QuorumPacket): void {
    const { disk } = this.#peer;
    switch (packet.type) {
      case 'info':
        handler.id = packet.id;
        return handler.send({ type: 'leader info', epoch: disk.currentEpoch });
      case 'epoch ack':
        return this.#bringUpToDate(handler, packet.lastZxid);
      case 'ack':
        handler.synchronized();
        // The first of two: for NEWLEADER, and for UPTODATE.
        if (!this.#served.has(handler)) handler.send({ type: 'up to date' });
        this.#served.add(handler);
        return;
      case 'touches':
        for (const [session, ms] of packet.touches) this.#server.touch(session, ms);
        return;
      case 'revalidate': {
        const { session, timeoutMs } = packet;
        this.#revalidations.push({ session, timeoutMs, handler });
        return this.#sendToLeader(packet);
      }
      case 'request':
        return this.#server.submit(newRequest({ ...packet.request, owner: handler }));
      default:
        throw new Error(`an observer does not send ${packet.type}`);
    }
  }

  #bringUpToDate(handler: LearnerHandler, lastZxid: number): void {
    const { database, disk } = this.#peer;
    const seen = synchronize(database, lastZxid, (packet) => handler.send(packet));
    for (const transaction of this.#recent) {
      if (transaction.header.zxid > seen) handler.send({ type: 'inform', transaction });
    }
    handler.isForwarded = true;
    handler.send({ type: 'new leader', zxid: zxidOf(disk.currentEpoch, 0) });
  }

  #waitToPing(): void {
    const { process, config } = this.#peer;
    process.post(process.host.simulated(config.tickMs / 2), () => {
      if (!this.#isRunning) return;
      for (const handler of [...this.#handlers]) if (handler.isForwarded) handler.ping();
      this.#waitToPing();
    });
  }
}
