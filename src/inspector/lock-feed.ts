/**
 * The whole queue of our lock, on all hosts, for as long as the page is open anywhere: read by a
 * session of its own, so that the one that holds the lock has no part in it. The session outlives the
 * last viewer by LINGER_MS, so that viewers that come and go do not make a session each.
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
const AGAIN_MS = 2000;
const LINGER_MS = 10_000;

/** `lingering`: without viewers, until a timer stops it. */
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

  /** As last told, while it is followed. */
  get latest(): LockMessage | null {
    return this.#latest;
  }

  /** There is a viewer. */
  start(): void {
    this.#options.clock.clearTimeout(this.#linger);
    const before = this.#stage;
    this.#stage = 'following';
    if (before === 'idle') this.#follow();
  }

  /** There is no viewer any more. */
  pause(): void {
    if (this.#stage !== 'following') return;
    this.#stage = 'lingering';
    // As in observe: what only looks on ends nothing.
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

  /** A rejection that nobody foresaw ends the feed, never lockex. */
  #follow(): void {
    this.#connect().catch((error: unknown) => this.#tell(null, String(error)));
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
      this.#tell(null, 'ZooKeeper could not be reached');
      return this.#again(session);
    }
    if (session !== this.#session) return;
    const tell = (lock: LockView | null, problem: string | null) => {
      if (session === this.#session) this.#tell(lock, problem);
    };
    session.once('expired', () => this.#again(session));
    session.on('detached', ({ reason }) => tell(null, reason));
    new LockWatcher(
      session,
      { lockPath: `/${lockPath}`, ids: [lockId] },
      {
        onViews: ([lock]) => tell(lock ?? null, null),
        onRefused: (message) => tell(null, message),
      },
      clock,
    );
  }

  #again(session: Session): void {
    if (session !== this.#session || this.#stage === 'idle') return;
    this.#options.clock.setTimeout(() => {
      if (session === this.#session && this.#stage !== 'idle') this.#follow();
    }, AGAIN_MS);
  }

  #tell(lock: LockView | null, problem: string | null): void {
    if (this.#stage === 'idle') return;
    const message: LockMessage = { type: 'lock', lock, problem };
    this.#latest = message;
    this.#send(message);
  }
}
