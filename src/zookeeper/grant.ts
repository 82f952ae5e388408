/**
 * The requests about our own node, from being next in the queue to holding the lock: prepare,
 * grant, confirm, resume after an outage; and the reactions to their errors.
 *
 * Safety: a lock is confirmed or resumed only after a leader-confirmed request on the attachment
 * that is current when the answer arrives.
 */
import type { LastRun } from '../../machines/contract.ts';
import type { AttemptParts } from './attempt-parts.ts';
import { errorPhaseOf, isQueued, isSuspended } from './attempt-state.ts';
import { runInBackground } from './background-task.ts';
import type { Attachment } from './client.ts';
import { actionOn } from './error-policy.ts';
import { isRequestError } from './errors.ts';
import { readLastRun } from './recipes/run-record.ts';

/**
 * Ratio to T: maximum time for a new connection to confirm the lease; after that, it is an outage.
 */
const REATTACH_RATIO = 1 / 8;

export class Grant {
  readonly #parts: AttemptParts;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  /**
   * Next in the queue: proves the lease and reads our node in advance, to make the grant faster.
   */
  async prepare(path: string): Promise<void> {
    if (!this.#parts.session.isAttached) return;
    this.#parts.keeper.prepare(path);
    if (this.#parts.ownNode.seen(path) !== null) return;
    try {
      const isGone = (await this.#parts.ownNode.read(path)) === null;
      // The recipe creates another.
      if (isGone && this.#isQueued) runInBackground(this.#parts.queue.refresh());
    } catch (error) {
      if (!isRequestError(error)) throw error;
      const isSuspect = actionOn(error, 'preparing') === 'reattach';
      // Otherwise the node is read at the grant.
      if (isSuspect && this.#isQueued) this.#parts.session.reattach(error.message);
    }
  }

  /** Confirms the lock immediately if nothing is left to prove. */
  granted(path: string, createdZxid: bigint | null): void {
    this.#parts.queue.leave();
    this.#parts.on({ type: 'granted', path });
    const czxid = this.#parts.keeper.isFresh ? this.#knownCzxid(path, createdZxid) : null;
    if (czxid === null) return this.#parts.emit({ type: 'lock.granted' });
    this.#hold(path, czxid, null);
  }

  /**
   * The zxid that created our node, if it is known and a request could not prove more. The lease
   * proves that the session is alive at the leader, and so is every ephemeral node of it that was
   * not deleted. Either our node was created just now, by a write that the leader has committed; or
   * it was read from this server and is watched there: the server would have reported its deletion
   * before that of our predecessor.
   */
  #knownCzxid(path: string, createdZxid: bigint | null): bigint | null {
    if (this.#parts.options.runRecord !== null || !this.#parts.session.isAttached) return null;
    const seen = this.#parts.ownNode.seen(path);
    if (seen !== null) return seen;
    if (createdZxid !== null) runInBackground(this.readNode(path));
    return createdZxid;
  }

  /** Proves the lease and verifies our node; reports lock.confirmed. */
  confirm(): void {
    const { state, session, keeper, options } = this.#parts;
    if (!('path' in state) || isSuspended(state) || !session.isAttached) return;
    if (keeper.isFreshOnceConfirmed) return this.#confirmHere(state.path);
    // The fastest proof is a handshake, and it may replace a follower that is cut off.
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
      // If the attachment has changed, the new one needs its own confirmation.
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
  async readNode(path: string): Promise<void> {
    try {
      const stat = await this.#parts.ownNode.read(path);
      if (stat === null || !this.#parts.ownNode.isOurs(stat)) this.#parts.loseNode();
      else if (this.#parts.state.name === 'holding') this.#parts.retries.reset();
    } catch (error) {
      this.#onError(error);
    }
  }

  /**
   * An answered handshake alone proves nothing: see lease.ts (b). Waiting or holding continues once
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
   * Reconnected before the lock was held. Next, the queue is read or the grant confirmed, which
   * shows if our node still exists.
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

  /** Reconnected while the lock was held: it is still held only if the leader confirms our node. */
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

  /** Handles an error of a request about our own node, by error-policy.ts. */
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
        // While suspended, the session is useless: servers accept it and fail all requests.
        if (isSuspended(this.#parts.state)) return this.#parts.loseSession(message);
        return this.#parts.emit({ type: 'lock.refused', message });
      case 'reattach':
        return this.#parts.retries.soon(ifStillAsking(() => this.#parts.reattach(message)));
      case 'retry':
      case 'answered':
        return this.#parts.retries.afterPause(ifStillAsking(() => this.#askAgain()));
    }
  }

  /** Repeats the last request about our own node, on the current connection. */
  #askAgain(): void {
    const { attached } = this.#parts.session;
    const state = this.#parts.state;
    if (attached === null) return;
    if (isSuspended(state)) return this.proceedOn(attached);
    if (state.name === 'holding') return runInBackground(this.readNode(state.path));
    this.confirm();
  }

  get #isQueued(): boolean {
    return isQueued(this.#parts.state);
  }
}
