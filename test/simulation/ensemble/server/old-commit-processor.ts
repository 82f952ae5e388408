/**
 * `CommitProcessor` of 3.4: one request at a time waits for its commit, and all that came behind
 * it, of any session, waits as well. The commit is matched by session id and xid, as in newer
 * versions.
 */
import { Op } from '../wire/codes.ts';
import type { CommitProcessorOptions, CommitQueue } from './commit-processor.ts';
import { isChange, type ServerRequest } from './request.ts';

const MAX_WAIT_MS = 0.05;

export class OldCommitProcessor implements CommitQueue {
  readonly #options: CommitProcessorOptions;
  readonly #queued: ServerRequest[] = [];
  readonly #committed: ServerRequest[] = [];
  #pending: ServerRequest | null = null;
  #isAwake = false;
  #isStopped = false;

  constructor(options: CommitProcessorOptions) {
    this.#options = options;
  }

  process(request: ServerRequest): void {
    this.#queued.push(request);
    this.#wake();
  }

  commit(request: ServerRequest): void {
    this.#committed.push(request);
    this.#wake();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #wake(): void {
    if (this.#isAwake || this.#isStopped) return;
    this.#isAwake = true;
    const { process } = this.#options;
    process.post(process.random.fraction() * MAX_WAIT_MS, () => {
      this.#isAwake = false;
      if (!this.#isStopped) this.#take();
    });
  }

  /** Commits are looked at only while a request waits, or none is queued. */
  #take(): void {
    const canCommit = this.#queued.length === 0 || this.#pending !== null;
    const commit = canCommit ? this.#committed.shift() : undefined;
    if (commit !== undefined) this.#takeCommit(commit);
    while (this.#pending === null) {
      const request = this.#queued.shift();
      if (request === undefined) break;
      if (this.#needsCommit(request)) this.#pending = request;
      else this.#options.next(request);
    }
    if (this.#committed.length > 0) this.#wake();
  }

  #takeCommit(commit: ServerRequest): void {
    const own = this.#pending;
    if (own === null || own.session !== commit.session || own.cxid !== commit.cxid) {
      return this.#options.next(commit);
    }
    own.header = commit.header;
    own.change = commit.change;
    this.#pending = null;
    this.#options.next(own);
  }

  /** A `check` outside of a transaction is not waited for. */
  #needsCommit({ op }: ServerRequest): boolean {
    if (op === Op.sync) return this.#options.matchesSyncs;
    return isChange(op) && op !== Op.check;
  }
}
