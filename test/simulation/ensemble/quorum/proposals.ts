/**
 * Proposals of a leader, their acknowledgements and commits (`Leader.propose`,
 * `Leader.processAck`).
 */
import { type EnsembleConfig, isQuorum } from '../config.ts';
import type { ServerRequest } from '../server/request.ts';
import type { Transaction } from '../tree/transaction.ts';
import type { LearnerHandler } from './learner-handler.ts';

interface Proposal {
  readonly request: ServerRequest;
  readonly transaction: Transaction;
  readonly acks: Set<number>;
}

export interface ProposalEvents {
  readonly handlers: () => Iterable<LearnerHandler>;
  readonly onCommitted: (request: ServerRequest) => void;
}

export class Proposals {
  readonly #config: EnsembleConfig;
  readonly #events: ProposalEvents;
  /** By zxid, in their order. */
  readonly #outstanding = new Map<number, Proposal>();
  /** Committed, but not in the leader's tree yet. */
  #toBeApplied: Transaction[] = [];
  readonly #waiting = new Map<number, (() => void)[]>();
  #lastProposed = 0;
  #lastCommitted = 0;

  constructor(config: EnsembleConfig, events: ProposalEvents) {
    this.#config = config;
    this.#events = events;
  }

  start(zxid: number): void {
    this.#lastProposed = zxid;
    this.#lastCommitted = zxid;
  }

  propose(request: ServerRequest): void {
    const { header, change } = request;
    if (header === null || change === null) throw new Error('a proposal has a transaction');
    const transaction = { header, change };
    this.#lastProposed = header.zxid;
    this.#outstanding.set(header.zxid, { request, transaction, acks: new Set() });
    for (const handler of this.#events.handlers()) {
      if (handler.isForwarded && !handler.isObserver)
        handler.send({ type: 'proposal', transaction });
    }
  }

  acknowledged(id: number, zxid: number): void {
    const proposal = this.#outstanding.get(zxid);
    if (proposal === undefined || zxid <= this.#lastCommitted) return;
    proposal.acks.add(id);
    if (this.#outstanding.has(zxid - 1)) return;
    if (!isQuorum(this.#config, proposal.acks)) return;
    this.#commit(zxid, proposal);
  }

  /** What a new learner has not seen, up to now (`startForwarding`). */
  forwardTo(handler: LearnerHandler, seenZxid: number): void {
    for (const transaction of this.#toBeApplied) {
      const { zxid } = transaction.header;
      if (zxid <= seenZxid) continue;
      if (handler.isObserver) {
        handler.send({ type: 'inform', transaction });
      } else {
        handler.send({ type: 'proposal', transaction });
        handler.send({ type: 'commit', zxid });
      }
    }
    if (handler.isObserver) return;
    for (const { transaction } of this.#outstanding.values()) {
      if (transaction.header.zxid > seenZxid) handler.send({ type: 'proposal', transaction });
    }
  }

  /** It is in the leader's tree (`ToBeAppliedRequestProcessor`). */
  applied(zxid: number): void {
    this.#toBeApplied = this.#toBeApplied.filter(({ header }) => header.zxid > zxid);
  }

  /** Calls when all that was proposed so far is committed (`processSync`). */
  whenCommitted(go: () => void): void {
    if (this.#outstanding.size === 0) return go();
    const waiting = this.#waiting.get(this.#lastProposed);
    if (waiting === undefined) this.#waiting.set(this.#lastProposed, [go]);
    else waiting.push(go);
  }

  #commit(zxid: number, { request, transaction }: Proposal): void {
    this.#outstanding.delete(zxid);
    this.#lastCommitted = zxid;
    this.#toBeApplied.push(transaction);
    for (const handler of this.#events.handlers()) {
      if (!handler.isForwarded) continue;
      if (handler.isObserver) handler.send({ type: 'inform', transaction });
      else handler.send({ type: 'commit', zxid });
    }
    this.#events.onCommitted(request);
    for (const go of this.#waiting.get(zxid) ?? []) go();
    this.#waiting.delete(zxid);
  }
}
