/**
 * The watches of one connection. Each is called once: a server forgets a watch when it reports the
 * change (ZooKeeper Programmer's Guide, "ZooKeeper Watches").
 *
 * Replaces the client's own watch manager, which uses an emitter for each path: after months of
 * waiting, its first use would measurably delay a handover.
 */
import type { OnChange } from '../client.ts';

/** A watch on a node's existence and data, or on its children. */
export type WatchKind = 'data' | 'children';

/** Registered when the answer is read, before the next frame is read. */
export interface Watch {
  readonly kind: WatchKind;
  readonly onChange: OnChange;
}

/** `Watcher.Event.EventType`; other types concern none of our watches. */
const CREATED = 1;
const DELETED = 2;
const CHILDREN_CHANGED = 4;

export class Watches {
  readonly #waiting = {
    data: new Map<string, OnChange[]>(),
    children: new Map<string, OnChange[]>(),
  };

  add(kind: WatchKind, path: string, onChange: OnChange): void {
    const others = this.#waiting[kind].get(path);
    if (others === undefined) this.#waiting[kind].set(path, [onChange]);
    else others.push(onChange);
  }

  /** False if this type of event cannot be watched. */
  notify(type: number, path: string): boolean {
    if (type < CREATED || type > CHILDREN_CHANGED) return false;
    const change = type === DELETED ? 'deleted' : 'changed';
    if (type !== CHILDREN_CHANGED) this.#call('data', path, change);
    if (type === CHILDREN_CHANGED || type === DELETED) this.#call('children', path, change);
    return true;
  }

  #call(kind: WatchKind, path: string, change: 'deleted' | 'changed'): void {
    const waiting = this.#waiting[kind];
    const called = waiting.get(path);
    if (called === undefined) return;
    waiting.delete(path);
    for (const onChange of called) onChange(change);
  }
}
