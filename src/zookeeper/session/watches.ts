/**
 * Who is to be told of the next change of a node, on one connection. Once each: a server forgets a
 * watch as it tells of it (ZooKeeper Programmer's Guide, "ZooKeeper Watches").
 *
 * The client's own manager of watches does the same by way of an emitter for each path; between two
 * holders of a lock it is run for the first time in months, and that is seen.
 */
import type { OnChange } from './requests.ts';

/** What is watched: a node's existence and data, or its children. */
export type WatchKind = 'data' | 'children';

/** `Watcher.Event.EventType`; what else there is concerns no watch of ours. */
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

  /** False where the type of the change is none of those that are watched for. */
  tell(type: number, path: string): boolean {
    if (type < CREATED || type > CHILDREN_CHANGED) return false;
    const change = type === DELETED ? 'deleted' : 'changed';
    if (type !== CHILDREN_CHANGED) this.#tell('data', path, change);
    if (type === CHILDREN_CHANGED || type === DELETED) this.#tell('children', path, change);
    return true;
  }

  #tell(kind: WatchKind, path: string, change: 'deleted' | 'changed'): void {
    const waiting = this.#waiting[kind];
    const told = waiting.get(path);
    if (told === undefined) return;
    waiting.delete(path);
    for (const onChange of told) onChange(change);
  }
}
