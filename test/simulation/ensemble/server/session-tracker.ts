/**
 * The leader's sessions (`SessionTrackerImpl`, `LeaderSessionTracker`): touches, owners, expiry.
 */
import type { SimulatedProcess } from '../../kernel/process.ts';
import type { VersionTraits } from '../version.ts';
import { Code, KeeperFault, type SessionId } from '../wire/codes.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import type { Owner } from './request.ts';

export interface TrackedSession {
  readonly id: SessionId;
  timeoutMs: number;
  isClosing: boolean;
  owner: Owner | null;
  /** The end of its bucket, by the server's clock. */
  expiresAt: number;
}

export interface SessionTrackerOptions {
  readonly process: SimulatedProcess;
  readonly tickMs: number;
  readonly traits: VersionTraits;
  /** Sessions that exist when the leader begins to serve; each gets its whole timeout again. */
  readonly sessions: ReadonlyMap<SessionId, number>;
  readonly expire: (session: SessionId) => void;
}

/**
 * Milliseconds that pass between the sessions of one bucket, at most: the expirer only queues
 * requests.
 */
const MAX_EXPIRY_STEP_MS = 1;

export class SessionTracker {
  readonly #options: SessionTrackerOptions;
  readonly #sessions = new Map<SessionId, TrackedSession>();
  readonly #queue: ExpiryQueue;
  #isRunning = true;

  constructor(options: SessionTrackerOptions) {
    this.#options = options;
    const { tickMs, traits } = options;
    this.#queue = new ExpiryQueue(tickMs, this.#now(), traits.touchOnlyPostpones);
    for (const [id, timeoutMs] of options.sessions) this.track(id, timeoutMs);
    this.#wait();
  }

  stop(): void {
    this.#isRunning = false;
  }

  /** undefined where it is not tracked. */
  session(id: SessionId): Readonly<TrackedSession> | undefined {
    return this.#sessions.get(id);
  }

  /** Counts as a touch. */
  track(id: SessionId, timeoutMs: number): void {
    let session = this.#sessions.get(id);
    if (session === undefined) {
      session = { id, timeoutMs, isClosing: false, owner: null, expiresAt: -1 };
      this.#sessions.set(id, session);
    }
    this.#update(session, timeoutMs);
  }

  /** False where the session is over, or is being closed. */
  touch(id: SessionId, timeoutMs: number): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined || session.isClosing) return false;
    this.#update(session, timeoutMs);
    return true;
  }

  setClosing(id: SessionId): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) session.isClosing = true;
  }

  remove(id: SessionId): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#queue.remove(session);
  }

  /**
   * Not a touch. The first caller becomes the owner.
   * @throws KeeperFault with `sessionExpired` or `sessionMoved`
   */
  check(id: SessionId, owner: Owner | null): void {
    const session = this.#existing(id);
    if (session.owner === null) session.owner = owner;
    else if (session.owner !== owner) throw new KeeperFault(Code.sessionMoved);
  }

  /** @throws KeeperFault with `sessionExpired` */
  setOwner(id: SessionId, owner: Owner | null): void {
    this.#existing(id).owner = owner;
  }

  #existing(id: SessionId): TrackedSession {
    const session = this.#sessions.get(id);
    if (session === undefined || session.isClosing) throw new KeeperFault(Code.sessionExpired);
    return session;
  }

  #update(session: TrackedSession, timeoutMs: number): void {
    session.timeoutMs = timeoutMs;
    this.#queue.update(session, this.#now());
  }

  /** `System.nanoTime` is CLOCK_MONOTONIC. */
  #now(): number {
    return this.#options.process.host.monotonic();
  }

  /** The tracker's thread. */
  #wait(): void {
    const { process } = this.#options;
    const left = process.host.simulated(this.#queue.nextAt - this.#now());
    process.post(Math.max(left, 0), () => {
      if (!this.#isRunning) return;
      const due = [...this.#queue.poll(this.#now())];
      if (this.#options.traits.expiryRacesWithTouches) this.#closeEach(due);
      else for (const session of due) this.#close(session);
      this.#wait();
    });
  }

  /** One by one; in between, touches of those that follow succeed, and change nothing. */
  #closeEach(due: readonly TrackedSession[]): void {
    const { process } = this.#options;
    let delay = 0;
    for (const session of due) {
      delay += process.random.between(0, MAX_EXPIRY_STEP_MS);
      process.post(delay, () => this.#close(session));
    }
  }

  #close(session: TrackedSession): void {
    if (!this.#isRunning) return;
    session.isClosing = true;
    this.#options.expire(session.id);
  }
}
