/**
 * Keeps the lease of one session: passes the events of its connections to `lease.ts`, and renews
 * the lease and watches the clock while a lock is held.
 *
 * It decides nothing: it reports that the lease was renewed, needs another proof, or ends.
 */
import type { LeaseInfo } from '../../../machines/contract.ts';
import type { Clock } from '../../util/clock.ts';
import { duration } from '../../util/duration.ts';
import type { AnsweredHandshake, Confirmation, LockSession } from '../client.ts';
import { wallClock } from '../defaults.ts';
import { actionOn } from '../error-policy.ts';
import { isRequestError } from '../errors.ts';
import {
  deadlinesOf,
  isFreshAt,
  isRenewedInTime,
  type Lease,
  type LeaseFact,
  lastProofAt,
  leaseAfter,
  newLease,
  onceConfirmed,
} from './lease.ts';
import { PauseDetector } from './pause-detector.ts';
import { RenewalPairs } from './renewal-pairs.ts';

export interface LeaseKeeperOptions {
  readonly clock: Clock;
  /** Milliseconds since the epoch; shows pauses of the host that `clock` does not count. */
  readonly wallClock?: (() => number) | undefined;
  /** `--kill-after`; milliseconds. */
  readonly killAfterMs: number;
  readonly onRenewed: (lease: LeaseInfo) => void;
  /** No answer in time, or lockex was not scheduled: a proof by handshake is needed. */
  readonly onProofNeeded: (reason: string) => void;
  /** Our node is gone: another contender may hold the lock already. */
  readonly onNodeGone: () => void;
  /** `stopAt` was reached; reported once. */
  readonly onEnding: (lease: LeaseInfo) => void;
}

type KeeperState =
  /** Nothing is renewed. */
  | { readonly name: 'idle' }
  /** Next in the queue: renews the lease in advance of a grant. `path`: of our node. */
  | { readonly name: 'preparing'; readonly path: string }
  | { readonly name: 'holding'; readonly path: string }
  /** `stopAt` was reached: nothing renews the lease any more. */
  | { readonly name: 'ended' };

/** Ratio to T: delay of the first pair once a lock is held. Most commands end earlier. */
const FIRST_RATIO = 1 / 30;
/** Delay of an answer or a timer that requires another proof: ratio to T, and minimum. */
const LATE_RATIO = 1 / 10;
const LATE_MS = 500;

export class LeaseKeeper {
  readonly #session: LockSession;
  readonly #options: LeaseKeeperOptions;
  readonly #pauses: PauseDetector;
  readonly #pairs: RenewalPairs;
  #state: KeeperState = { name: 'idle' };
  #lease: Lease | null = null;
  /** A pair has proven the lease on this attachment: the next will, too. */
  #isSteady = false;
  #silenceTimer: unknown;
  #stopTimer: unknown;
  /** The last proof (`provenAt`) that was checked, whether it was sufficient or not. */
  #judgedProof = Number.NaN;

  constructor(session: LockSession, options: LeaseKeeperOptions) {
    const { clock } = options;
    this.#session = session;
    this.#options = options;
    this.#pauses = new PauseDetector(clock, options.wallClock ?? wallClock);
    this.#pairs = new RenewalPairs({
      clock,
      lease: () => this.#lease,
      isAttached: () => session.isAttached,
      onDue: () => this.#onPairDue(),
      confirm: () => this.#confirm(),
    });
  }

  /** A handshake was answered. Only one that created the session is proven already. */
  attached(handshake: AnsweredHandshake): void {
    this.#clearSilenceTimer();
    this.#isSteady = false;
    if (this.#hasEnded()) return;
    this.#noteLatency(this.#options.clock.now() - handshake.handshakeSentAt);
    if (this.#lease === null) this.#lease = newLease(handshake);
    else this.#note({ type: 'attached', ...handshake });
    this.#scheduleStop();
  }

  detached(): void {
    this.#clearSilenceTimer();
    this.#isSteady = false;
    this.#note({ type: 'detached' });
  }

  /** A confirmation that was requested elsewhere. */
  confirmed(confirmation: Confirmation): void {
    if (!this.#hasEnded()) this.#note({ type: 'confirmed', ...confirmation });
  }

  /** @throws Error before the first handshake was answered */
  get lease(): LeaseInfo {
    const lease = this.#deadlines;
    if (lease === null) throw new Error('no lease before the first handshake');
    return lease;
  }

  /** True if a lock may be granted under this lease: the next proof comes well before its end. */
  get isFresh(): boolean {
    return this.#isFreshEnough(this.#deadlines);
  }

  /** True if it would be fresh with a confirmation on the present attachment. */
  get isFreshOnceConfirmed(): boolean {
    if (this.#lease === null) return false;
    return this.#isFreshEnough(deadlinesOf(onceConfirmed(this.#lease), this.#options.killAfterMs));
  }

  /** True before the time at which a command under this lease would have to be stopped. */
  get isHoldable(): boolean {
    const lease = this.#deadlines;
    return lease !== null && this.#options.clock.now() < lease.stopAt;
  }

  /** Renews the lease although no lock is held yet, so that a grant finds it proven. */
  prepare(path: string): void {
    if (this.#state.name === 'ended' || this.#path === path) return;
    this.#begin({ name: this.#state.name === 'holding' ? 'holding' : 'preparing', path });
    this.#pairs.startAfter(this.#options.clock.now());
    // One more confirmation: then the second pair proves what otherwise only the third would.
    void this.#confirm();
  }

  /** Renews the lease for as long as the node at this path is held. */
  hold(path: string): void {
    if (this.#state.name === 'ended') return;
    const isRenewed = this.#path === path;
    if (!isRenewed) {
      this.#begin({ name: 'holding', path });
      const delayMs = (this.#lease?.smallestTimeoutMs ?? 0) * FIRST_RATIO;
      this.#pairs.startAt(this.#options.clock.now() + delayMs);
    }
    this.#state = { name: 'holding', path };
    this.#scheduleStop();
  }

  /** Stops all renewals and reports. */
  stop(): void {
    if (this.#state.name !== 'ended') this.#state = { name: 'idle' };
    this.#clearSilenceTimer();
    this.#pairs.stop();
    this.#options.clock.clearTimeout(this.#stopTimer);
  }

  #begin(state: KeeperState): void {
    this.#state = state;
    this.#pairs.stop();
    this.#pauses.tick();
  }

  #onPairDue(): boolean {
    if (this.#path === null || this.#hasEnded()) return false;
    const pause = this.#pauseSinceDue();
    this.#pauses.tick();
    this.#pairs.startAfter(this.#options.clock.now());
    if (pause === null || this.#state.name !== 'holding') return true;
    this.#needProof(pause);
    return false;
  }

  /** One leader-confirmed check of our node: it renews, ends or leaves (null) the lease. */
  async #confirm(): Promise<Confirmation | null> {
    const path = this.#path;
    if (path === null) return null;
    this.#expectAnswer();
    try {
      const confirmation = await this.#session.check(path);
      this.#clearSilenceTimer();
      if (this.#hasEnded()) return null;
      this.#noteLatency(confirmation.answeredAt - confirmation.sentAt);
      this.#note({ type: 'confirmed', ...confirmation });
      return confirmation;
    } catch (error) {
      if (!isRequestError(error)) throw error;
      const isHeld = this.#state.name === 'holding' && this.#state.path === path;
      if (isHeld && actionOn(error, 'renewing') === 'nodeGone') this.#options.onNodeGone();
      return null;
    }
  }

  #note(fact: LeaseFact): void {
    const before = this.#deadlines;
    if (this.#lease === null) return;
    const hadUnprovenHandshake = this.#lease.unprovenHandshakeAt !== null;
    this.#lease = leaseAfter(this.#lease, fact);
    const renewed = deadlinesOf(this.#lease, this.#options.killAfterMs);
    const hasMoved = before?.leaseEnd !== renewed.leaseEnd;
    // The confirmation that proves the handshake does not belong to a pair.
    this.#isSteady ||= hasMoved && fact.type === 'confirmed' && !hadUnprovenHandshake;
    if (hasMoved && this.#path !== null) this.#options.onRenewed(renewed);
  }

  #noteLatency(latencyMs: number): void {
    const before = this.#pairs.steadyLatencyMs;
    this.#pairs.noteLatency(latencyMs);
    if (this.#pairs.steadyLatencyMs > before) this.#scheduleStop();
  }

  #needProof(reason: string): void {
    this.#judgedProof = this.#lease?.provenAt ?? Number.NaN;
    this.#options.onProofNeeded(reason);
  }

  #expectAnswer(): void {
    this.#clearSilenceTimer();
    const toleranceMs = this.#toleranceMs;
    this.#silenceTimer = this.#options.clock.setTimeout(() => {
      if (this.#state.name !== 'holding' || this.#hasEnded()) return;
      this.#needProof(`no confirmation for ${duration(toleranceMs)}`);
    }, toleranceMs);
  }

  #clearSilenceTimer(): void {
    this.#options.clock.clearTimeout(this.#silenceTimer);
  }

  #scheduleStop(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#stopTimer);
    const lease = this.#deadlines;
    if (this.#state.name !== 'holding' || this.#lease === null || lease === null) return;
    const isJudged = this.#judgedProof === lease.provenAt;
    const latencyMs = this.#pairs.steadyLatencyMs;
    const at = isJudged ? lease.stopAt : lastProofAt(this.#lease, lease, latencyMs);
    this.#stopTimer = clock.setTimeout(() => {
      if (this.#hasEnded()) return;
      if (!isJudged) this.#checkBeforeStop();
      this.#scheduleStop();
    }, at - clock.now());
  }

  /** A handshake may still be fast enough if all answers are too slow for the next proof. */
  #checkBeforeStop(): void {
    const lease = this.#deadlines;
    if (this.#lease === null || lease === null || this.#judgedProof === lease.provenAt) return;
    const { pairAt, steadyLatencyMs } = this.#pairs;
    if (this.#options.clock.now() < lastProofAt(this.#lease, lease, steadyLatencyMs)) return;
    const isInTime = isRenewedInTime(this.#lease, lease, pairAt, steadyLatencyMs);
    if (this.#session.isAttached && !isInTime) this.#needProof('lease renewals are too slow');
    else this.#judgedProof = lease.provenAt;
  }

  /** A lease that has ended is never renewed: checked before each answer. */
  #hasEnded(): boolean {
    const lease = this.#deadlines;
    switch (this.#state.name) {
      case 'idle':
      case 'preparing':
        return false;
      case 'ended':
        return true;
      case 'holding':
        if (lease === null || this.#options.clock.now() < lease.stopAt) return false;
        this.#state = { name: 'ended' };
        this.#options.onEnding(lease);
        return true;
    }
  }

  #isFreshEnough(lease: LeaseInfo | null): boolean {
    if (lease === null) return false;
    // The grant may have arrived while the host was paused, which the next pair would notice.
    if (this.#path !== null && this.#pauseSinceDue() !== null) return false;
    return isFreshAt(this.#options.clock.now(), lease, this.#isSteady);
  }

  #pauseSinceDue(): string | null {
    return this.#pauses.pauseSince(this.#pairs.dueAt, this.#toleranceMs);
  }

  /** Path of the node for which the lease is renewed; null: it is not renewed. */
  get #path(): string | null {
    return 'path' in this.#state ? this.#state.path : null;
  }

  get #deadlines(): LeaseInfo | null {
    return this.#lease === null ? null : deadlinesOf(this.#lease, this.#options.killAfterMs);
  }

  get #toleranceMs(): number {
    return Math.max(LATE_MS, (this.#lease?.smallestTimeoutMs ?? 0) * LATE_RATIO);
  }
}
