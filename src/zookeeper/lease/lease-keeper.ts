/**
 * Keeps the lease of one session: feeds `lease.ts` with what happens on its connections, and, while
 * a lock is held, asks the leader for confirmations and watches the clock.
 *
 * It decides nothing: it says that the lease was renewed, is in doubt, or ends.
 */
import type { LeaseInfo } from '../../../machines/contract.ts';
import type { Clock } from '../../util/clock.ts';
import { duration } from '../../util/duration.ts';
import { actionOn } from '../error-policy.ts';
import { isRequestError } from '../errors.ts';
import type { LockSession } from '../session/requests.ts';
import {
  type AnsweredHandshake,
  type Confirmation,
  deadlinesOf,
  isRenewedInTime,
  type Lease,
  type LeaseFact,
  leaseAfter,
  newLease,
  nextPairAt,
  onceConfirmed,
} from './lease.ts';

export interface LeaseKeeperOptions {
  readonly clock: Clock;
  /** The wall clock, to see whether the host was paused behind the back of the other one; ms. */
  readonly wallClock?: () => number;
  /** `--kill-after`. */
  readonly killAfterMs: number;
  readonly onRenewed: (lease: LeaseInfo) => void;
  /** Nothing was heard for too long, or we were asleep: the lease should be proven anew. */
  readonly onDoubt: (reason: string) => void;
  /** Our node is gone: another may hold the lock already. */
  readonly onNodeGone: () => void;
  /** `stopAt` was reached. Said once. */
  readonly onEnding: (lease: LeaseInfo) => void;
}

/**
 * What a lease must have left of its way to stopAt for a lock to be held by it. Steady renewal leaves
 * 0.38 at its worst moment; without it, the next proof takes T/3 from the first confirmation on, and
 * then there is to be time for slow answers.
 */
const FRESH_ENOUGH_IF_STEADY = 0.3;
const FRESH_ENOUGH = 0.7;
/** Of T: when a lock that is held has its first pair. Not at once: most commands are short. */
const FIRST_RATIO = 1 / 30;
/** Of T: how long an answer, or we ourselves, may be late before that is worth a doubt. */
const LATE_RATIO = 1 / 10;
/** A busy host is late as well: less than this is not worth a doubt, whatever T is. */
const LATE_MS = 500;
/** A wall clock that is set by hand or by NTP moves; a second of it is not worth a doubt. */
const WALL_JUMP_MS = 1000;

export class LeaseKeeper {
  readonly #session: LockSession;
  readonly #options: LeaseKeeperOptions;
  #lease: Lease | null = null;
  /** Path of the node that the lease is renewed for; null: nothing is renewed. */
  #path: string | null = null;
  /** A lock is held by it; else it is only next in line. */
  #isHeld = false;
  /** A pair has proven the lease on this attachment: the next will, too. */
  #isSteady = false;
  #ended = false;
  #renewalTimer: unknown;
  #silenceTimer: unknown;
  #stopTimer: unknown;
  #dueAt = 0;
  /** When the pair began that is under way; null: none is. */
  #pairSince: number | null = null;
  /** What the last answers took, the newest last. */
  #latenciesMs: readonly number[] = [0, 0, 0];
  /** The proof that was doubted last, or found to need no doubt: each is judged once. */
  #doubted = Number.NaN;
  #lastTick = { at: 0, wall: 0 };

  constructor(session: LockSession, options: LeaseKeeperOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** A handshake was answered: a proven touch if it created the session; else once confirmed. */
  attached(handshake: AnsweredHandshake): void {
    this.#clearTimers();
    this.#isSteady = false;
    if (this.#isDue()) return;
    this.#noteLatency(this.#options.clock.now() - handshake.handshakeSentAt);
    if (this.#lease === null) this.#lease = newLease(handshake);
    else this.#note({ type: 'attached', ...handshake });
    this.#scheduleStop();
  }

  detached(): void {
    this.#clearTimers();
    this.#isSteady = false;
    this.#note({ type: 'detached' });
  }

  /** The lease as it stands; null before the first handshake. */
  get lease(): LeaseInfo | null {
    return this.#lease === null ? null : deadlinesOf(this.#lease, this.#options.killAfterMs);
  }

  /** A lock may be held by this lease: the next proof comes well before it ends. */
  get isFresh(): boolean {
    return this.#isFreshEnough(this.lease);
  }

  /** It would be with a confirmation on the present attachment. */
  get isFreshOnceConfirmed(): boolean {
    if (this.#lease === null) return false;
    return this.#isFreshEnough(deadlinesOf(onceConfirmed(this.#lease), this.#options.killAfterMs));
  }

  /** The lease has not come to the point at which a command under it would have to be stopped. */
  get isHoldable(): boolean {
    return this.lease !== null && this.#options.clock.now() < this.lease.stopAt;
  }

  #isFreshEnough(lease: LeaseInfo | null): boolean {
    if (lease === null) return false;
    const { provenAt, stopAt } = lease;
    const now = this.#options.clock.now();
    // A grant may have lain there while the host was paused; the next renewal would find that out.
    if (this.#path !== null && this.#doubt(now) !== null) return false;
    const left = (stopAt - now) / (stopAt - provenAt);
    return left >= (this.#isSteady ? FRESH_ENOUGH_IF_STEADY : FRESH_ENOUGH);
  }

  /** Renews the lease although no lock is held yet, so that a grant finds it proven. */
  prepare(path: string): void {
    if (this.#path === path) return;
    this.#begin(path);
    const now = this.#options.clock.now();
    this.#scheduleRenewal(now, now);
    // What the third pair would prove is proven by the second.
    void this.#confirm(path);
  }

  /** Renews the lease for as long as the node at this path is held. */
  hold(path: string): void {
    this.#isHeld = true;
    if (this.#path !== path) {
      this.#begin(path);
      const now = this.#options.clock.now();
      this.#renewAt(now + this.#smallestT * FIRST_RATIO, now);
    }
    this.#scheduleStop();
  }

  #begin(path: string): void {
    this.#path = path;
    this.#lastTick = { at: this.#options.clock.now(), wall: this.#wallNow() };
  }

  /** Nothing is renewed and nothing said any more. */
  letGo(): void {
    this.#path = null;
    this.#isHeld = false;
    this.#clearTimers();
    this.#options.clock.clearTimeout(this.#renewalTimer);
    this.#options.clock.clearTimeout(this.#stopTimer);
  }

  /** A confirmation that somebody else asked for. */
  confirmed(confirmation: Confirmation): void {
    if (!this.#isDue()) this.#note({ type: 'confirmed', ...confirmation });
  }

  /** One leader-confirmed look at our node; its answer renews, ends or leaves (null) the lease. */
  async #confirm(path: string): Promise<Confirmation | null> {
    this.#expectAnswer();
    try {
      const confirmation = await this.#session.check(path);
      this.#clearTimers();
      if (this.#isDue()) return null;
      this.#noteLatency(confirmation.answeredAt - confirmation.sentAt);
      this.#note({ type: 'confirmed', ...confirmation });
      return confirmation;
    } catch (error) {
      if (!isRequestError(error)) throw error;
      const isGone = actionOn(error, 'renewing') === 'nodeGone';
      if (isGone && this.#path === path && this.#isHeld) this.#options.onNodeGone();
      return null;
    }
  }

  #note(fact: LeaseFact): void {
    const { lease } = this;
    if (this.#lease === null) return;
    const hadUnprovenHandshake = this.#lease.unprovenHandshakeAt !== null;
    this.#lease = leaseAfter(this.#lease, fact);
    const renewed = deadlinesOf(this.#lease, this.#options.killAfterMs);
    const moved = lease?.leaseEnd !== renewed.leaseEnd;
    // What proves the handshake is no pair.
    this.#isSteady ||= moved && fact.type === 'confirmed' && !hadUnprovenHandshake;
    if (moved && this.#path !== null) this.#options.onRenewed(renewed);
  }

  /** `begunAt`: the beginning of the last pair, which took `pairMs` or is thought to. */
  #scheduleRenewal(
    begunAt: number,
    now: number,
    pairMs = 2 * (this.#latenciesMs.at(-1) ?? 0),
  ): void {
    if (this.#lease !== null) this.#renewAt(nextPairAt(this.#lease, begunAt, pairMs), now);
  }

  #renewAt(dueAt: number, now: number): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#renewalTimer);
    this.#dueAt = dueAt;
    this.#renewalTimer = clock.setTimeout(() => void this.#renew(), dueAt - now);
  }

  async #renew(): Promise<void> {
    const path = this.#path;
    const now = this.#options.clock.now();
    if (path === null || this.#isDue(now)) return;
    const doubt = this.#doubt(now);
    this.#lastTick = { at: now, wall: this.#wallNow() };
    this.#scheduleRenewal(now, now);
    if (doubt !== null && this.#isHeld) return this.#sayDoubt(doubt);
    if (!this.#session.isAttached) return;
    this.#pairSince = now;
    const isCurrent = () => this.#path === path && this.#pairSince === now;
    const first = await this.#confirm(path);
    if (first !== null && isCurrent()) {
      this.#scheduleRenewal(now, first.answeredAt);
      const second = this.#session.isAttached ? await this.#confirm(path) : null;
      if (second !== null && isCurrent()) {
        this.#scheduleRenewal(now, second.answeredAt, second.answeredAt - now);
      }
    }
    if (this.#pairSince === now) this.#pairSince = null;
  }

  #sayDoubt(reason: string): void {
    this.#doubted = this.#lease?.provenAt ?? Number.NaN;
    this.#options.onDoubt(reason);
  }

  /** Why the lease should be proven anew; null when there is no reason to doubt it. */
  #doubt(now: number): string | null {
    const late = now - this.#dueAt;
    if (late > this.#patience()) return `we were asleep for ${duration(late)}`;
    const jump = this.#wallNow() - this.#lastTick.wall - (now - this.#lastTick.at);
    if (jump > Math.max(WALL_JUMP_MS, this.#patience())) {
      return `the wall clock jumped ahead by ${duration(jump)}: the host may have been paused`;
    }
    return null;
  }

  #expectAnswer(): void {
    this.#clearTimers();
    const patience = this.#patience();
    this.#silenceTimer = this.#options.clock.setTimeout(() => {
      if (!this.#isHeld || this.#isDue()) return;
      this.#sayDoubt(`no confirmation for ${duration(patience)}`);
    }, patience);
  }

  /** Nothing is waited for any more: an answer came, or can't come. */
  #clearTimers(): void {
    this.#options.clock.clearTimeout(this.#silenceTimer);
  }

  #patience(): number {
    return Math.max(LATE_MS, this.#smallestT * LATE_RATIO);
  }

  #noteLatency(latencyMs: number): void {
    const before = this.#steadyLatencyMs;
    this.#latenciesMs = [...this.#latenciesMs.slice(1), latencyMs];
    if (this.#steadyLatencyMs > before) this.#scheduleStop();
  }

  /** A pair that was slow says nothing of the next: three answers in a row do. */
  get #steadyLatencyMs(): number {
    return Math.min(...this.#latenciesMs);
  }

  get #smallestT(): number {
    return this.#lease?.smallestTimeoutMs ?? 0;
  }

  #scheduleStop(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#stopTimer);
    const { lease } = this;
    if (!this.#isHeld || lease === null) return;
    const isDoubted = this.#doubted === lease.provenAt;
    const at = isDoubted ? lease.stopAt : lease.stopAt - this.#handshakeMs(lease);
    this.#stopTimer = clock.setTimeout(() => {
      if (this.#isDue()) return;
      if (!isDoubted) this.#checkBeforeStop();
      this.#scheduleStop();
    }, at - clock.now());
  }

  /** What a proof by handshake takes: a connection, the handshake and a confirmation; and some more. */
  #handshakeMs({ provenAt, stopAt }: LeaseInfo): number {
    const most = (stopAt - provenAt) / 2;
    return Math.min(most, 3 * this.#steadyLatencyMs + this.#smallestT * FIRST_RATIO);
  }

  /**
   * No answer may be late enough for a doubt, and all of them so slow that the next proof would be too
   * late. A handshake still can be in time.
   */
  #checkBeforeStop(): void {
    const { lease } = this;
    if (lease === null || this.#doubted === lease.provenAt) return;
    const now = this.#options.clock.now();
    if (now < lease.stopAt - this.#handshakeMs(lease)) return;
    const pairAt = this.#pairSince ?? this.#dueAt;
    const isInTime =
      this.#lease !== null && isRenewedInTime(this.#lease, lease, pairAt, this.#steadyLatencyMs);
    if (this.#session.isAttached && !isInTime) this.#sayDoubt('the confirmations are too slow');
    else this.#doubted = lease.provenAt;
  }

  /** What has ended is never renewed: looked at before anything is believed. */
  #isDue(now = this.#options.clock.now()): boolean {
    const { lease } = this;
    if (!this.#isHeld || lease === null) return false;
    if (!this.#ended && now < lease.stopAt) return false;
    if (!this.#ended) {
      this.#ended = true;
      this.#options.onEnding(lease);
    }
    return true;
  }

  #wallNow(): number {
    return (this.#options.wallClock ?? Date.now)();
  }
}
