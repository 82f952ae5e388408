/**
 * The watches of one server's clients (`WatchManager`): one table for data and existence, one for
 * children. A watch is removed when it is triggered. Watches are not replicated.
 */
import { EventType } from '../wire/codes.ts';
import type { Acl } from '../wire/requests.ts';

export interface Watcher {
  /** `acl` is the node's: newer versions notify only clients that may read it. */
  onEvent(type: number, path: string, zxid: number, acl: readonly Acl[]): void;
}

type Table = Map<string, Set<Watcher>>;

export interface Triggered {
  readonly type: number;
  readonly path: string;
  readonly zxid: number;
  readonly acl: readonly Acl[];
}

export class Watches {
  readonly #data: Table = new Map();
  readonly #children: Table = new Map();

  get size(): number {
    let size = 0;
    for (const table of [this.#data, this.#children]) {
      for (const watchers of table.values()) size += watchers.size;
    }
    return size;
  }

  watchData(path: string, watcher: Watcher): void {
    add(this.#data, path, watcher);
  }

  watchChildren(path: string, watcher: Watcher): void {
    add(this.#children, path, watcher);
  }

  /** Data watches only: a node was created, or its data changed. */
  triggerData(event: Triggered): void {
    notify(take(this.#data, event.path), event);
  }

  triggerChildren(path: string, zxid: number, acl: readonly Acl[]): void {
    notify(take(this.#children, path), { type: EventType.childrenChanged, path, zxid, acl });
  }

  /**
   * Both tables; a connection that is in both is notified once (`DataTree.deleteNode`:
   * `processed`).
   */
  triggerDeleted(path: string, zxid: number, acl: readonly Acl[]): void {
    const event = { type: EventType.deleted, path, zxid, acl };
    const data = take(this.#data, path);
    const children = take(this.#children, path);
    notify(data, event);
    notify(new Set([...children].filter((watcher) => !data.has(watcher))), event);
  }

  /** The connection is gone. */
  remove(watcher: Watcher): void {
    for (const table of [this.#data, this.#children]) {
      for (const [path, watchers] of table) {
        if (watchers.delete(watcher) && watchers.size === 0) table.delete(path);
      }
    }
  }
}

function add(table: Table, path: string, watcher: Watcher): void {
  const watchers = table.get(path);
  if (watchers === undefined) table.set(path, new Set([watcher]));
  else watchers.add(watcher);
}

function take(table: Table, path: string): ReadonlySet<Watcher> {
  const watchers = table.get(path) ?? new Set<Watcher>();
  table.delete(path);
  return watchers;
}

function notify(watchers: ReadonlySet<Watcher>, { type, path, zxid, acl }: Triggered): void {
  for (const watcher of watchers) watcher.onEvent(type, path, zxid, acl);
}
