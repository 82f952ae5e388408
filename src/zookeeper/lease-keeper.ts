/**
 * Keeps the lease of one session: feeds `lease.ts` with what happens on its connections, and, while
 * a lock is held, asks the leader for confirmations and watches the clock.
 *
 * It decides nothing: it says that the lease was renewed, is in doubt, or ends.
 */
import type { LeaseInfo } from '../../machines/contract.ts';
import type { Clock } from '../clock.ts';
import {
  deadlinesOf,
  type Lease,
  type LeaseFact,
  leaseAfter,
  newLease,
  renewalIntervalMs,
} from './lease.ts';
import { isRequestError, type LockSession } from './requests.ts';

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

/** A busy host is late as well: less than this is not worth a doubt, whatever T is. */
const LATE_MS = 500;
/** A wall clock that is set by hand or by NTP moves; a second of it is not worth a doubt. */
const WALL_JUMP_MS = 1000;

export class LeaseKeeper {
  readonly #session: LockSession;
  readonly #options: LeaseKeeperOptions;
  #lease: Lease | null = null;
  /** Path of the node that is held; null: no lock is held, nothing is renewed. */
  #path: string | null = null;
  #ended = false;
  #renewalTimer: unknown;
  #stopTimer: unknown;
  /** Sending of the oldest confirmation that is still unanswered. */
  #unansweredSince: number | null = null;
  #lastTick = { at: 0, wall: 0 };

  constructor(session: LockSession, options: LeaseKeeperOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** A handshake was answered: a proven touch. */
  attached(sentAt: number, timeoutMs: number): void {
    this.#unansweredSince = null;
    if (this.#isDue()) return;
    if (this.#lease === null) this.#lease = newLease(sentAt, timeoutMs);
    else this.#note({ type: 'attached', sentAt, timeoutMs });
  }

  /** A handshake granted T, but whether our node still stands is not known yet. */
  negotiated(timeoutMs: number): void {
    this.#unansweredSince = null;
    this.#note({ type: 'negotiated', timeoutMs });
    this.#scheduleStop();
  }

  detached(): void {
    this.#unansweredSince = null;
    this.#note({ type: 'detached' });
  }

  /** The lease as it stands; null before the first handshake. */
  get lease(): LeaseInfo | null {
    return this.#lease === null ? null : deadlinesOf(this.#lease, this.#options.killAfterMs);
  }

  /** How much of its length the lease has left before stopping has to begin: 1 is just proven. */
  get freshness(): number {
    const { lease } = this;
    if (lease === null) return 0;
    const { provenAt, stopAt } = lease;
    return Math.max(0, (stopAt - this.#options.clock.now()) / (stopAt - provenAt));
  }

  /** Renews the lease for as long as the node at this path is held. */
  hold(path: string): void {
    this.#path = path;
    this.#lastTick = { at: this.#options.clock.now(), wall: this.#wallNow() };
    this.#scheduleRenewal();
    this.#scheduleStop();
  }

  /** Nothing is renewed and nothing said any more. */
  letGo(): void {
    this.#path = null;
    this.#options.clock.clearTimeout(this.#renewalTimer);
    this.#options.clock.clearTimeout(this.#stopTimer);
  }

  /** One leader-confirmed look at our node; its answer renews, ends or leaves the lease. */
  async confirm(path: string): Promise<void> {
    try {
      const sentAt = this.#options.clock.now();
      this.#unansweredSince ??= sentAt;
      const confirmation = await this.#session.check(path);
      this.#unansweredSince = null;
      if (this.#isDue()) return;
      this.#note({ type: 'confirmed', ...confirmation });
    } catch (error) {
      if (!isRequestError(error)) throw error;
      // Anything but "no such node" is no renewal, and no more than that.
      if (error.code === 'NO_NODE' && this.#path === path) this.#options.onNodeGone();
    }
  }

  #note(fact: LeaseFact): void {
    const { lease } = this;
    if (this.#lease === null) return;
    this.#lease = leaseAfter(this.#lease, fact);
    const renewed = deadlinesOf(this.#lease, this.#options.killAfterMs);
    const moved = lease?.leaseEnd !== renewed.leaseEnd;
    if (moved && this.#path !== null) this.#options.onRenewed(renewed);
  }

  #scheduleRenewal(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#renewalTimer);
    const interval = renewalIntervalMs(this.#lease?.smallestTimeoutMs ?? 0);
    this.#renewalTimer = clock.setTimeout(() => this.#renew(interval), interval);
  }

  #renew(interval: number): void {
    const path = this.#path;
    if (path === null || this.#isDue()) return;
    this.#scheduleRenewal();
    const now = this.#options.clock.now();
    const doubt = this.#doubt(now, interval);
    this.#lastTick = { at: now, wall: this.#wallNow() };
    if (doubt !== null) this.#options.onDoubt(doubt);
    else if (this.#session.isAttached) void this.confirm(path);
  }

  /** Why the lease should be proven anew; null when there is no reason to doubt it. */
  #doubt(now: number, interval: number): string | null {
    const late = now - this.#lastTick.at - interval;
    if (late > Math.max(LATE_MS, interval)) return `we were asleep for ${seconds(late)}`;
    const jump = this.#wallNow() - this.#lastTick.wall - (now - this.#lastTick.at);
    if (jump > Math.max(WALL_JUMP_MS, interval)) {
      return `the wall clock jumped ahead by ${seconds(jump)}: the host may have been paused`;
    }
    const silent = this.#unansweredSince === null ? 0 : now - this.#unansweredSince;
    // A little less than two intervals: timers are not exact.
    if (silent > 1.5 * interval) return `no confirmation for ${seconds(silent)}`;
    return null;
  }

  #scheduleStop(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#stopTimer);
    const { lease } = this;
    if (this.#path === null || lease === null) return;
    this.#stopTimer = clock.setTimeout(() => {
      if (!this.#isDue()) this.#scheduleStop();
    }, lease.stopAt - clock.now());
  }

  /** What has ended is never renewed: looked at before anything is believed. */
  #isDue(): boolean {
    const { lease } = this;
    if (this.#path === null || lease === null) return false;
    if (!this.#ended && this.#options.clock.now() < lease.stopAt) return false;
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

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
