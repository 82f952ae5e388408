/**
 * One attempt to acquire the lock: one session, its place in the queue, and the lock while it is
 * held. Executes commands and reports events. The transitions are in attempt-state.ts.
 *
 * Its parts report only to it, so none of them acts after its end (state `over`). The contender
 * drops events of an attempt that was replaced.
 */
import { type AttemptOptions, AttemptParts } from './attempt-parts.ts';
import { isGrantedOrHeld, isQueued } from './attempt-state.ts';
import { runInBackground } from './background-task.ts';
import { UnreachableError } from './errors.ts';
import { CLOSE_MS, type Release, recordSuccess, releaseLock } from './final-changes.ts';
import { Grant } from './grant.ts';
import type { Position } from './recipes/recipe.ts';
import type { RunRecordOptions } from './recipes/run-record.ts';
import type { Session } from './session/session.ts';

export class Attempt {
  readonly #parts: AttemptParts;
  readonly #grant: Grant;

  /** Connects; reports session.established or session.unreachable. */
  static start(options: AttemptOptions): Attempt {
    const session = options.newSession();
    const connected = session.connect(options.connectTimeoutMs);
    // Created while the connection is being made.
    const attempt = new Attempt(session, options);
    runInBackground(attempt.#establish(connected));
    return attempt;
  }

  private constructor(session: Session, options: AttemptOptions) {
    this.#parts = new AttemptParts(session, options, {
      onAttached: (attachment) => this.#grant.proceedOn(attachment),
      onNodeChange: (path) => this.#onNodeChange(path),
      onPosition: (position) => this.#onPosition(position),
    });
    this.#grant = new Grant(this.#parts);
  }

  /** For the reaper only: must never be logged; null before the session exists. */
  credentials(): { readonly id: Buffer; readonly password: Buffer } | null {
    return this.#parts.session.credentials();
  }

  join(blocking: boolean): void {
    if (this.#parts.state.name === 'over') return;
    this.#parts.on({ type: 'join' });
    if (!this.#parts.session.isAttached)
      return this.#parts.suspend('disconnected before joining the queue');
    runInBackground(this.#parts.queue.join(blocking));
  }

  /** Proves the lease and verifies our node; reports lock.confirmed. */
  confirm(): void {
    this.#grant.confirm();
  }

  /**
   * Records the successful run; retried while the lock is held, because the lease is still renewed.
   */
  record(runRecord: RunRecordOptions): void {
    runInBackground(this.#record(runRecord));
  }

  /** Deletes our nodes; resolves when that is confirmed or can no longer be. */
  async release(): Promise<Release | null> {
    this.#parts.end();
    return this.#parts.queue.isNew
      ? null
      : releaseLock(this.#parts.session, this.#parts.queue, this.#parts.options);
  }

  /** Ends the session, within a bound; true if the server confirmed it. */
  close(): Promise<boolean> {
    this.#parts.end();
    return this.#parts.session.close(CLOSE_MS);
  }

  /** Lets the session expire: sends nothing more. */
  abandon(): void {
    this.#parts.end();
    this.#parts.session.abandon();
  }

  async #establish(connected: Promise<void>): Promise<void> {
    try {
      await connected;
    } catch (error) {
      if (this.#parts.state.name === 'over') return;
      if (!(error instanceof UnreachableError)) throw error;
      this.#parts.end();
      return this.#parts.emit({ type: 'session.unreachable', hosts: error.failures });
    }
    if (this.#parts.state.name === 'over') return;
    const { info } = this.#parts.session;
    this.#parts.emit({
      type: 'session.established',
      session: info,
      lease: this.#parts.keeper.lease,
    });
  }

  #onPosition(position: Position): void {
    if (this.#parts.state.name !== 'queued') return;
    switch (position.kind) {
      case 'granted':
        return this.#grant.granted(position.path, position.createdZxid);
      case 'refused':
        return this.#parts.emit({ type: 'lock.refused', message: position.message });
      case 'queued':
        if (position.next !== null) runInBackground(this.#grant.prepare(position.next));
        return this.#parts.emit({ type: 'lock.queued', queue: position.queue });
    }
  }

  #onNodeChange(path: string): void {
    const { state, queue } = this.#parts;
    if (isQueued(state)) return runInBackground(queue.refresh());
    if (isGrantedOrHeld(state)) runInBackground(this.#grant.readNode(path));
  }

  async #record(runRecord: RunRecordOptions): Promise<void> {
    const { clock } = this.#parts.options;
    const leftMs = () => (this.#parts.isHeld ? this.#parts.keeper.lease.leaseEnd - clock.now() : 0);
    const recorded = await recordSuccess(this.#parts.session, runRecord, { clock, leftMs });
    // Otherwise the lease ended or a signal arrived: the machine no longer waits for the record.
    if (!recorded.isMade && !this.#parts.isHeld) return;
    const message = recorded.isMade ? 'recorded' : recorded.reason;
    this.#parts.emit({ type: 'run.recorded', confirmed: recorded.isMade, message });
  }
}
