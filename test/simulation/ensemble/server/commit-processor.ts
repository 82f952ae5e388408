/**
 * Answers in the order of requests, and changes in the order of commits (`CommitProcessor`, the
 * form of 3.6 and later).
 *
 * A commit is matched with the request that waits for it by session id and xid alone. Where the
 * same xid was used on an earlier connection of the session, the commit of that request answers the
 * newer one.
 */
import type { SimulatedProcess } from '../../kernel/process.ts';
import { Op, type SessionId } from '../wire/codes.ts';
import { isChange, type ServerRequest } from './request.ts';

export interface CommitProcessorOptions {
  readonly process: SimulatedProcess;
  /** False at the leader, where a sync is answered as a read is. */
  readonly matchesSyncs: boolean;
  /** `FinalRequestProcessor` */
  readonly next: (request: ServerRequest) => void;
}

export interface CommitQueue {
  /** From a client of this server, or at the leader from a learner. */
  process(request: ServerRequest): void;
  /** A transaction that a quorum has accepted, in the order of zxids. */
  commit(request: ServerRequest): void;
  stop(): void;
}

/** Milliseconds that the thread takes to wake, at most. */
const MAX_WAIT_MS = 0.05;

export class CommitProcessor implements CommitQueue {
  readonly #options: CommitProcessorOptions;
  #queued: ServerRequest[] = [];
  /** Those of `#queued` and `#pending` that wait for a commit, in their order. */
  readonly #writes: ServerRequest[] = [];
  readonly #pending = new Map<SessionId, ServerRequest[]>();
  readonly #committed: ServerRequest[] = [];
  #isAwake = false;
  #isStopped = false;

  constructor(options: CommitProcessorOptions) {
    this.#options = options;
  }

  process(request: ServerRequest): void {
    this.#queued.push(request);
    if (this.#needsCommit(request)) this.#writes.push(request);
    this.#wake();
  }

  commit(request: ServerRequest): void {
    this.#committed.push(request);
    this.#wake();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #needsCommit({ op, isThrottled }: ServerRequest): boolean {
    if (isThrottled) return false;
    return op === Op.sync ? this.#options.matchesSyncs : isChange(op);
  }

  #wake(): void {
    if (this.#isAwake || this.#isStopped) return;
    this.#isAwake = true;
    const { process } = this.#options;
    process.post(process.random.fraction() * MAX_WAIT_MS, () => {
      this.#isAwake = false;
      if (this.#isStopped) return;
      this.#takeRequests();
      this.#takeCommit();
      if (this.#queued.length > 0 || this.#isCommitReady()) this.#wake();
    });
  }

  #takeRequests(): void {
    for (let left = this.#queued.length; left > 0; left -= 1) {
      const request = this.#queued.shift();
      if (request === undefined) return;
      const pending = this.#pending.get(request.session);
      if (pending !== undefined) pending.push(request);
      else if (this.#needsCommit(request)) this.#pending.set(request.session, [request]);
      else this.#options.next(request);
      if (this.#pending.size > 0 && this.#committed.length > 0) return;
    }
  }

  /** One at a time (`maxCommitBatchSize`), then the reads of its session that waited behind it. */
  #takeCommit(): void {
    const commit = this.#committed[0];
    if (commit === undefined || !this.#isCommitReady()) return;
    this.#committed.shift();
    if (!this.#isMatch(commit)) return this.#options.next(commit);
    this.#writes.shift();
    const pending = this.#pending.get(commit.session) ?? [];
    const own = pending.shift() as ServerRequest;
    own.header = commit.header;
    own.change = commit.change;
    this.#options.next(own);
    for (let head = pending[0]; head !== undefined && !this.#needsCommit(head); head = pending[0]) {
      pending.shift();
      this.#options.next(head);
    }
    if (pending.length === 0) this.#pending.delete(commit.session);
  }

  /** False while the request that it belongs to has not come out of the queue. */
  #isCommitReady(): boolean {
    const commit = this.#committed[0];
    if (commit === undefined) return false;
    if (!this.#isMatch(commit)) return true;
    const head = this.#pending.get(commit.session)?.[0];
    return head !== undefined && this.#needsCommit(head);
  }

  #isMatch({ session, cxid }: ServerRequest): boolean {
    const write = this.#writes[0];
    return write !== undefined && write.session === session && write.cxid === cxid;
  }
}
