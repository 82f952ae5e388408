/**
 * The requests about our own node, from being next in line to holding the lock: prepare, grant,
 * confirm, resume after an outage; and what their errors lead to.
 *
 * Safety: a lock is confirmed or resumed only upon a leader-confirmed request on the attachment
 * that is present when its answer arrives.
 */
import type { LastRun } from '../../machines/contract.ts';
import type { AttemptParts } from './attempt-parts.ts';
import { errorPhaseOf, isQueued, isSuspended } from './attempt-state.ts';
import { runInBackground } from './background-task.ts';
import type { Attachment } from './client.ts';
import { actionOn } from './error-policy.ts';
import { isRequestError } from './errors.ts';
import { readLastRun } from './recipes/run-record.ts';

/** Of T: how long a connection made to confirm the lease may take before that is an outage. */
const REATTACH_RATIO = 1 / 8;

export class Grant {
  readonly #parts: AttemptParts;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  /** Next in line: proves the lease and reads our node beforehand, so that a grant need not. */
  async prepare(path: string): Promise<void> {
    if (!this.#parts.session.isAttached) return;
    this.#parts.keeper.prepare(path);
    if (this.#parts.ownNode.seen(path) !== null) return;
    try {
      const isGone = (await this.#parts.ownNode.look(path)) === null;
      // The recipe creates another.
      if (isGone && this.#isQueued) runInBackground(this.#parts.queue.look());
    } catch (error) {
      if (!isRequestError(error)) throw error;
      const isSuspect = actionOn(error, 'preparing') === 'reattach';
      // Else the node is read at the grant.
      if (isSuspect && this.#isQueued) this.#parts.session.reattach(error.message);
    }
  }

  /** Confirmed at once where nothing is left to prove. */
  granted(path: string, createdZxid: bigint | null): void {
    this.#parts.queue.leave();
    this.#parts.on({ type: 'granted', path });
    const czxid = this.#parts.keeper.isFresh ? this.#knownCzxid(path, createdZxid) : null;
    if (czxid === null) return this.#parts.emit({ type: 'lock.granted' });
    this.#hold(path, czxid, null);
  }

  /**
   * The zxid that created our node, where it is known and a request could not add anything.
   * The lease proves that the session is alive at the leader, and with it every ephemeral node of
   * it that was not deleted. Ours was either created a moment ago, by a write that the leader has
   * committed; or it was read, as the same server applied it, and is being watched there: a
   * deletion before that of our predecessor would have been notified first.
   */
  #knownCzxid(path: string, createdZxid: bigint | null): bigint | null {
    if (this.#parts.options.runRecord !== null || !this.#parts.session.isAttached) return null;
    const seen = this.#parts.ownNode.seen(path);
    if (seen !== null) return seen;
    if (createdZxid !== null) runInBackground(this.look(path));
    return createdZxid;
  }

  /** Proves the lease and verifies our node; reports lock.confirmed. */
  confirm(): void {
    const { state, session, keeper, options } = this.#parts;
    if (!('path' in state) || isSuspended(state) || !session.isAttached) return;
    if (keeper.isFreshOnceConfirmed) return this.#confirmHere(state.path);
    // The quickest proof is a handshake; it also leaves a follower behind that was cut off.
    this.#parts.on({ type: 'reattach' });
    const reattaching = this.#parts.state;
    options.clock.setTimeout(() => {
      if (this.#parts.state !== reattaching) return;
      this.#parts.suspend('no server available to confirm the lease');
    }, session.info.timeoutMs * REATTACH_RATIO);
    session.reattach('to confirm the lease');
  }

  #confirmHere(path: string): void {
    this.#parts.on({ type: 'confirm' });
    runInBackground(this.#confirmGrant(path));
  }

  async #confirmGrant(path: string): Promise<void> {
    const { runRecord } = this.#parts.options;
    try {
      const [lastRun, node] = await Promise.all([
        runRecord && readLastRun(this.#parts.session, runRecord, path),
        this.#parts.ownNode.verify(path),
      ]);
      // On another attachment, the confirmation of that one is required.
      if (node === null || this.#parts.state.name !== 'granted') return;
      if (node.czxid === null) return this.#parts.loseNode();
      this.#parts.keeper.confirmed(node.confirmation);
      // Slow answers may have left too little of the lease.
      if (!this.#parts.keeper.isHoldable) return this.confirm();
      this.#hold(path, node.czxid, lastRun);
    } catch (error) {
      this.#onError(error);
    }
  }

  #hold(path: string, czxid: bigint, lastRun: LastRun | null): void {
    this.#parts.on({ type: 'confirmed' });
    this.#parts.retries.reset();
    this.#parts.keeper.hold(path);
    const grant = { path, fencingToken: czxid.toString() };
    this.#parts.emit({ type: 'lock.confirmed', grant, lease: this.#parts.keeper.lease, lastRun });
  }

  /** Reads our node, and watches it. */
  async look(path: string): Promise<void> {
    try {
      const stat = await this.#parts.ownNode.look(path);
      if (stat === null || !this.#parts.ownNode.isOurs(stat)) this.#parts.loseNode();
      else if (this.#parts.state.name === 'holding') this.#parts.retries.reset();
    } catch (error) {
      this.#onError(error);
    }
  }

  /**
   * The answered handshake proves nothing by itself: see lease.ts (b). Everything continues once
   * the leader has confirmed a request on this attachment.
   */
  proceedOn(attachment: Attachment): void {
    const state = this.#parts.state;
    switch (state.name) {
      case 'idle':
      case 'over':
        return;
      case 'queued':
      case 'queued.suspended':
      case 'granted':
      case 'granted.suspended':
        return runInBackground(this.#resumeWaiting(attachment));
      case 'granted.reattaching':
        return this.#confirmHere(state.path);
      case 'holding':
      case 'holding.suspended':
        return runInBackground(this.#resumeHolding(state.path));
    }
  }

  /**
   * Reconnected before the lock was held. What became of our node shows when the queue is read, or
   * the grant confirmed, which follows.
   */
  async #resumeWaiting(attachment: Attachment): Promise<void> {
    try {
      this.#parts.keeper.confirmed(
        await this.#parts.session.check(this.#parts.queue.ownOrParentPath),
      );
    } catch (error) {
      if (!isRequestError(error)) throw error;
      const isAnswered = error.isCommitted && actionOn(error, 'rejoining') === 'answered';
      if (!isAnswered) return this.#onError(error);
    }
    const isStale = this.#parts.session.attached !== attachment;
    if (!isStale && !this.#parts.isHeld) this.#parts.resume();
  }

  /**
   * Reconnected with the lock: it is still ours only if the leader confirms that our node exists.
   */
  async #resumeHolding(path: string): Promise<void> {
    try {
      const node = await this.#parts.ownNode.verify(path);
      if (node === null || !this.#parts.isHeld) return;
      if (node.czxid === null) return this.#parts.loseNode();
      this.#parts.keeper.confirmed(node.confirmation);
      this.#parts.resume();
    } catch (error) {
      this.#onError(error);
    }
  }

  /** An error of a request about our own node. What each means: error-policy.ts. */
  #onError(error: unknown): void {
    if (!isRequestError(error)) throw error;
    const phase = errorPhaseOf(this.#parts.state);
    if (phase === null) return;
    const { message } = error;
    const ifStillAsking = (then: () => void) => () => {
      if (errorPhaseOf(this.#parts.state) !== null) then();
    };
    switch (this.#parts.retries.next(error, phase)) {
      case 'nodeGone':
        return this.#parts.loseNode();
      case 'refuse':
        // While suspended, the session is of no use: servers accept it and fail all requests.
        if (isSuspended(this.#parts.state)) return this.#parts.loseSession(message);
        return this.#parts.emit({ type: 'lock.refused', message });
      case 'reattach':
        return this.#parts.retries.soon(ifStillAsking(() => this.#parts.reattach(message)));
      case 'retry':
      case 'answered':
        return this.#parts.retries.afterPause(ifStillAsking(() => this.#askAgain()));
    }
  }

  /** Repeats the last request about our own node, on the present connection. */
  #askAgain(): void {
    const { attached } = this.#parts.session;
    const state = this.#parts.state;
    if (attached === null) return;
    if (isSuspended(state)) return this.proceedOn(attached);
    if (state.name === 'holding') return runInBackground(this.look(state.path));
    this.confirm();
  }

  get #isQueued(): boolean {
    return isQueued(this.#parts.state);
  }
}
