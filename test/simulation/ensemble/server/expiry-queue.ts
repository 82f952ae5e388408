/** Sessions in buckets of one tick, by the time at which they expire (`ExpiryQueue`). */
import type { TrackedSession } from './session-tracker.ts';

export class ExpiryQueue {
  readonly #intervalMs: number;
  readonly #onlyPostpones: boolean;
  readonly #buckets = new Map<number, Set<TrackedSession>>();
  #nextAt: number;

  /**
   * `onlyPostpones`: `VersionTraits.touchOnlyPostpones`. Times are the server's, in milliseconds.
   */
  constructor(intervalMs: number, now: number, onlyPostpones: boolean) {
    this.#intervalMs = intervalMs;
    this.#onlyPostpones = onlyPostpones;
    this.#nextAt = this.#round(now);
  }

  /** When the next bucket is due. */
  get nextAt(): number {
    return this.#nextAt;
  }

  update(session: TrackedSession, now: number): void {
    const at = this.#round(now + session.timeoutMs);
    if (at === session.expiresAt) return;
    if (this.#onlyPostpones && at < session.expiresAt) return;
    this.#buckets.get(session.expiresAt)?.delete(session);
    const bucket = this.#buckets.get(at);
    if (bucket === undefined) this.#buckets.set(at, new Set([session]));
    else bucket.add(session);
    session.expiresAt = at;
  }

  remove(session: TrackedSession): void {
    this.#buckets.get(session.expiresAt)?.delete(session);
  }

  /**
   * Removes and returns the bucket that is due. Sessions in it that are touched before they are
   * closed move to another bucket, but are closed anyway.
   */
  poll(now: number): ReadonlySet<TrackedSession> {
    if (now < this.#nextAt) return new Set();
    const bucket = this.#buckets.get(this.#nextAt);
    this.#buckets.delete(this.#nextAt);
    this.#nextAt += this.#intervalMs;
    return bucket ?? new Set();
  }

  /** To the end of the interval: a session lives up to one tick longer than its timeout. */
  #round(time: number): number {
    return (Math.floor(time / this.#intervalMs) + 1) * this.#intervalMs;
  }
}
