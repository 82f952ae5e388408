/**
 * Reports the state of locks whenever it changes. Uses ZooKeeper's watches: no requests while
 * nothing changes. Reads the locks again after a reconnection and after a watch has fired.
 */
import { type Clock, systemClock } from '../util/clock.ts';
import { PacedRefresh } from '../zookeeper/back-off.ts';
import { ignoringNoNode } from '../zookeeper/client.ts';
import { isRequestError, type RequestError } from '../zookeeper/errors.ts';
import { Retries } from '../zookeeper/retry.ts';
import type { Session } from '../zookeeper/session/session.ts';
import { lockIdsAmong, type Reading, readContender, readLock } from './reader.ts';
import type { LockView } from './view.ts';

export interface WatchedLocks {
  /** Below the chroot, with a leading slash. */
  readonly lockPath: string;
  /** null: all. */
  readonly ids: readonly string[] | null;
}

export interface LockWatcherEvents {
  /** Called whenever something may have changed. */
  readonly onViews: (views: readonly LockView[]) => void;
  /** The server denied access, or the watcher failed; it has stopped. */
  readonly onRefused: (message: string) => void;
}

export class LockWatcher {
  readonly #session: Session;
  readonly #locks: WatchedLocks;
  readonly #events: LockWatcherEvents;
  /** Watches that are set at the server, by kind and path: each is set once. */
  readonly #watches = new Set<string>();
  readonly #onAttached = () => this.#begin();
  readonly #retries: Retries;
  readonly #pacedRefresh: PacedRefresh;
  #isReading = false;
  #isStale = false;
  #isStopped = false;

  constructor(
    session: Session,
    locks: WatchedLocks,
    events: LockWatcherEvents,
    clock: Clock = systemClock,
  ) {
    const pace = { clock, sessionTimeoutMs: () => session.info.timeoutMs };
    this.#retries = new Retries(pace);
    this.#pacedRefresh = new PacedRefresh(pace, () => this.#refresh());
    this.#session = session;
    this.#locks = locks;
    this.#events = events;
    session.on('attached', this.#onAttached);
    if (session.isAttached) this.#begin();
  }

  stop(): void {
    this.#isStopped = true;
    this.#retries.cancel();
    this.#pacedRefresh.cancel();
    this.#session.off('attached', this.#onAttached);
  }

  /** Watches end with their connection. */
  #begin(): void {
    this.#watches.clear();
    this.#refresh();
  }

  #refresh(): void {
    if (this.#isStopped) return;
    this.#isStale = true;
    if (!this.#isReading) void this.#readWhileStale();
  }

  async #readWhileStale(): Promise<void> {
    this.#isReading = true;
    while (this.#isStale && !this.#isStopped) {
      this.#isStale = false;
      try {
        const views = await this.#read();
        this.#retries.reset();
        if (!this.#isStopped) this.#events.onViews(views);
      } catch (error) {
        // A bug here must not end lockex while it holds a lock and serves the inspector.
        if (!isRequestError(error)) this.#refused(`could not read the locks: ${error}`);
        else this.#failed(error);
      }
    }
    this.#isReading = false;
  }

  /** After 'wait' and 'reattach', everything is read again on the next connection. */
  #failed(error: RequestError): void {
    const { message } = error;
    const action = this.#retries.next(error, 'watching');
    if (action === 'reattach') this.#retries.soon(() => this.#session.reattach(message));
    else if (action === 'retry') this.#retries.afterPause(() => this.#refresh());
    else if (action === 'refuse') this.#refused(message);
  }

  #refused(message: string): void {
    this.stop();
    this.#events.onRefused(message);
  }

  async #read(): Promise<LockView[]> {
    const { lockPath, ids } = this.#locks;
    const reading: Reading = {
      data: (path) => readContender(this.#session, path),
      changingData: (path) =>
        this.#watched(`data ${path}`, (onChange) => this.#session.getData(path, onChange)),
      changingChildren: (path) =>
        this.#watched(`children ${path}`, (onChange) => this.#session.getChildren(path, onChange)),
    };
    // A watch on the parent's children reports new locks. Without a parent, watch its own parent.
    const listed = await nearestChildren(reading, lockPath);
    const shown = ids ?? lockIdsAmong(listed ?? []);
    return await Promise.all(shown.map((id) => readLock(reading, lockPath, id)));
  }

  async #watched<T>(
    name: string,
    read: (onChange: (() => void) | undefined) => Promise<T>,
  ): Promise<T> {
    if (this.#watches.has(name)) return await read(undefined);
    this.#watches.add(name);
    try {
      return await read(() => {
        this.#watches.delete(name);
        this.#pacedRefresh.changed();
      });
    } catch (error) {
      // The server sets a watch only if the read succeeds.
      this.#watches.delete(name);
      throw error;
    }
  }
}

/**
 * Children of this path; null if it does not exist: then its nearest existing ancestor is watched.
 */
async function nearestChildren(reading: Reading, path: string): Promise<string[] | null> {
  const children = await ignoringNoNode(reading.changingChildren(path === '' ? '/' : path));
  if (children !== null || path === '') return children;
  await nearestChildren(reading, path.slice(0, path.lastIndexOf('/')));
  return null;
}
