/**
 * Keeps telling how locks stand, by ZooKeeper's watches: nothing is asked while nothing changes.
 * After a reconnection, and when a watch has fired, what it was about is read again.
 */
import { type Clock, systemClock } from '../util/clock.ts';
import { PacedLook } from '../zookeeper/back-off.ts';
import { ignoringNoNode } from '../zookeeper/client.ts';
import { isRequestError, type RequestError } from '../zookeeper/errors.ts';
import { Retries } from '../zookeeper/retry.ts';
import type { Session } from '../zookeeper/session/session.ts';
import { lockIdsAmong, type Reading, readContender, readLock } from './reader.ts';
import type { LockView } from './view.ts';

export interface WatchedLocks {
  /** Below the chroot, with a slash before it. */
  readonly lockPath: string;
  /** null: all. */
  readonly ids: readonly string[] | null;
}

export interface LockWatcherEvents {
  /** Each time something may have changed. */
  readonly onViews: (views: readonly LockView[]) => void;
  /** The server refuses to tell, or this failed; it is not asked again. */
  readonly onRefused: (message: string) => void;
}

export class LockWatcher {
  readonly #session: Session;
  readonly #locks: WatchedLocks;
  readonly #events: LockWatcherEvents;
  /** Watches that stand at the server, by what they watch: each is set once. */
  readonly #standing = new Set<string>();
  readonly #onAttached = () => this.#begin();
  readonly #retries: Retries;
  readonly #look: PacedLook;
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
    this.#look = new PacedLook(pace, () => this.#refresh());
    this.#session = session;
    this.#locks = locks;
    this.#events = events;
    session.on('attached', this.#onAttached);
    if (session.isAttached) this.#begin();
  }

  stop(): void {
    this.#isStopped = true;
    this.#retries.cancel();
    this.#look.cancel();
    this.#session.off('attached', this.#onAttached);
  }

  /** Watches go with their connection. */
  #begin(): void {
    this.#standing.clear();
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
        // A bug here must not take down whoever holds a lock and is only being looked at.
        if (!isRequestError(error)) this.#refused(`failed: ${error}`);
        else this.#failed(error);
      }
    }
    this.#isReading = false;
  }

  /** After 'wait' and 'reattach' all is read again, on the next connection. */
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
    // A lock that is not there yet is announced by its parent, and that by its own.
    const listed = await nearestChildren(reading, lockPath);
    const shown = ids ?? lockIdsAmong(listed ?? []);
    return await Promise.all(shown.map((id) => readLock(reading, lockPath, id)));
  }

  async #watched<T>(
    name: string,
    read: (onChange: (() => void) | undefined) => Promise<T>,
  ): Promise<T> {
    if (this.#standing.has(name)) return await read(undefined);
    this.#standing.add(name);
    try {
      return await read(() => {
        this.#standing.delete(name);
        this.#look.changed();
      });
    } catch (error) {
      // No answer, no watch.
      this.#standing.delete(name);
      throw error;
    }
  }
}

/** Children of this path; null where it is not there, but the nearest one above it has been read. */
async function nearestChildren(reading: Reading, path: string): Promise<string[] | null> {
  const children = await ignoringNoNode(reading.changingChildren(path === '' ? '/' : path));
  if (children !== null || path === '') return children;
  await nearestChildren(reading, path.slice(0, path.lastIndexOf('/')));
  return null;
}
