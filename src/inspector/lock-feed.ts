/**
 * Follows the queue of this run's lock, with the contenders of all hosts, while there are viewers.
 * It uses a session of its own, so that it cannot affect the session that holds the lock. The
 * session outlives the last viewer by LINGER_MS, so that viewers that reload do not create one
 * session each.
 */
import { accessOf } from '../settings/access.ts';
import type { ServerSettings } from '../settings/settings.ts';
import type { LockView } from '../status/view.ts';
import { LockWatcher } from '../status/watcher.ts';
import type { Clock } from '../util/clock.ts';
import { UnreachableError } from '../zookeeper/errors.ts';
import { Session } from '../zookeeper/session/session.ts';
import type { FeedMessage } from './feed.ts';

export interface LockFeedOptions {
  readonly servers: ServerSettings;
  readonly lockId: string;
  readonly clock: Clock;
}

type LockMessage = Extract<FeedMessage, { type: 'lock' }>;

const CLOSE_MS = 300;
const RETRY_MS = 2000;
const LINGER_MS = 10_000;

/** `lingering`: no viewers; a timer will stop it. */
type Stage = 'idle' | 'following' | 'lingering';

export class LockFeed {
  readonly #options: LockFeedOptions;
  readonly #send: (message: LockMessage) => void;
  #stage: Stage = 'idle';
  #session: Session | null = null;
  #latest: LockMessage | null = null;
  #linger: unknown = null;

  constructor(options: LockFeedOptions, send: (message: LockMessage) => void) {
    this.#options = options;
    this.#send = send;
  }

  /** The last message, while the lock is followed. */
  get latest(): LockMessage | null {
    return this.#latest;
  }

  /** Called when a viewer has connected. */
  start(): void {
    this.#options.clock.clearTimeout(this.#linger);
    const before = this.#stage;
    this.#stage = 'following';
    if (before === 'idle') this.#follow();
  }

  /** Called when the last viewer has disconnected. */
  pause(): void {
    if (this.#stage !== 'following') return;
    this.#stage = 'lingering';
    // As in Inspector.observe: an error of an observer must not end lockex.
    this.#linger = this.#options.clock.setTimeout(
      () => void this.stop().catch(() => {}),
      LINGER_MS,
    );
  }

  async stop(): Promise<void> {
    this.#options.clock.clearTimeout(this.#linger);
    this.#stage = 'idle';
    this.#latest = null;
    const session = this.#session;
    this.#session = null;
    await session?.close(CLOSE_MS);
  }

  /** An unexpected rejection ends the feed, never lockex. */
  #follow(): void {
    this.#connect().catch((error: unknown) => this.#report(null, String(error)));
  }

  async #connect(): Promise<void> {
    const { servers, lockId, clock } = this.#options;
    const { timeoutMs, lockPath } = servers;
    const session = new Session({ ...accessOf(servers), timeoutMs, clock, log: () => {} });
    this.#session = session;
    try {
      await session.connect(timeoutMs);
    } catch (error) {
      if (!(error instanceof UnreachableError)) {
        if (session !== this.#session) return;
        throw error;
      }
      this.#report(null, 'could not reach ZooKeeper');
      return this.#retryLater(session);
    }
    if (session !== this.#session) return;
    const report = (lock: LockView | null, problem: string | null) => {
      if (session === this.#session) this.#report(lock, problem);
    };
    session.once('expired', () => this.#retryLater(session));
    session.on('detached', ({ reason }) => report(null, reason));
    new LockWatcher(
      session,
      { lockPath: `/${lockPath}`, ids: [lockId] },
      {
        onViews: ([lock]) => report(lock ?? null, null),
        onRefused: (message) => report(null, message),
      },
      clock,
    );
  }

  #retryLater(session: Session): void {
    if (session !== this.#session || this.#stage === 'idle') return;
    this.#options.clock.setTimeout(() => {
      if (session === this.#session && this.#stage !== 'idle') this.#follow();
    }, RETRY_MS);
  }

  #report(lock: LockView | null, problem: string | null): void {
    if (this.#stage === 'idle') return;
    const message: LockMessage = { type: 'lock', at: Date.now(), lock, problem };
    this.#latest = message;
    this.#send(message);
  }
}
