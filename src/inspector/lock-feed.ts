/**
 * The whole queue of our lock, on all hosts, for as long as somebody looks: read by a session of its
 * own, so that the one that holds the lock has no part in it.
 */
import { accessOf } from '../access.ts';
import type { Clock } from '../clock.ts';
import type { ServerSettings } from '../settings.ts';
import type { LockView } from '../status/view.ts';
import { LockWatcher } from '../status/watcher.ts';
import { UnreachableError } from '../zookeeper/errors.ts';
import { Session } from '../zookeeper/session.ts';
import type { FeedMessage } from './feed.ts';

export interface LockFeedOptions {
  readonly servers: ServerSettings;
  readonly lockId: string;
  readonly clock: Clock;
}

type LockMessage = Extract<FeedMessage, { type: 'lock' }>;

const CLOSE_MS = 300;
const AGAIN_MS = 2000;

export class LockFeed {
  readonly #options: LockFeedOptions;
  readonly #send: (message: LockMessage) => void;
  #session: Session | null = null;
  #isWanted = false;
  #latest: LockMessage | null = null;

  constructor(options: LockFeedOptions, send: (message: LockMessage) => void) {
    this.#options = options;
    this.#send = send;
  }

  /** As last told, while it is followed. */
  get latest(): LockMessage | null {
    return this.#latest;
  }

  start(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#follow();
  }

  async stop(): Promise<void> {
    this.#isWanted = false;
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
    session.once('expired', () => this.#again(session));
    session.on('detached', ({ reason }) => this.#tell(null, reason));
    new LockWatcher(
      session,
      { lockPath: `/${lockPath}`, ids: [lockId] },
      {
        onViews: ([lock]) => this.#tell(lock ?? null, null),
        onRefused: (message) => this.#tell(null, message),
      },
    );
  }

  #again(session: Session): void {
    if (session !== this.#session || !this.#isWanted) return;
    this.#options.clock.setTimeout(() => {
      if (session === this.#session && this.#isWanted) this.#follow();
    }, AGAIN_MS);
  }

  #tell(lock: LockView | null, problem: string | null): void {
    if (!this.#isWanted) return;
    const message: LockMessage = { type: 'lock', lock, problem };
    this.#latest = message;
    this.#send(message);
  }
}
