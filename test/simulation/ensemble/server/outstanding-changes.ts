/**
 * Changes that the leader has prepared and not applied yet: later requests are checked against them
 * (`ZooKeeperServer.outstandingChanges`, `ChangeRecord`).
 */

import type { NodeStat } from '../tree/data-node.ts';
import type { DataTree } from '../tree/data-tree.ts';
import { Code, KeeperFault, type SessionId } from '../wire/codes.ts';
import type { Acl } from '../wire/requests.ts';

export interface ChangeRecord {
  readonly zxid: number;
  readonly path: string;
  /** null: deleted. */
  readonly stat: NodeStat | null;
  readonly acl: readonly Acl[];
  readonly childCount: number;
}

export type ExistingRecord = ChangeRecord & { readonly stat: NodeStat };

/** Records of the paths of a transaction as they were before it. */
export type Backup = ReadonlyMap<string, ChangeRecord>;

export class OutstandingChanges {
  readonly #tree: DataTree;
  readonly #inOrder: ChangeRecord[] = [];
  readonly #byPath = new Map<string, ChangeRecord>();

  constructor(tree: DataTree) {
    this.#tree = tree;
  }

  /** A copy that may be changed. '' is the root. @throws KeeperFault with `noNode` */
  record(path: string): ExistingRecord {
    const change = this.#byPath.get(path);
    if (change === undefined) {
      const { stat, acl, children } = this.#tree.existing(path);
      return { zxid: -1, path, stat: { ...stat }, acl, childCount: children.size };
    }
    if (change.stat === null) throw new KeeperFault(Code.noNode);
    return { ...change, stat: { ...change.stat } };
  }

  has(path: string): boolean {
    const change = this.#byPath.get(path);
    return change === undefined ? this.#tree.node(path) !== undefined : change.stat !== null;
  }

  add(record: ChangeRecord): void {
    this.#inOrder.push(record);
    this.#byPath.set(record.path, record);
  }

  /** Ephemeral nodes of a session, those that are not applied yet included. */
  ephemeralsOf(session: SessionId): string[] {
    const paths = new Set(this.#tree.ephemeralsOf(session));
    for (const { path, stat } of this.#inOrder) {
      if (stat === null) paths.delete(path);
      else if (stat.owner === session) paths.add(path);
    }
    return [...paths];
  }

  /** `getPendingChanges` */
  backup(paths: readonly string[]): Backup {
    const backup = new Map<string, ChangeRecord>();
    for (const path of paths) {
      for (const each of [path, path.slice(0, Math.max(0, path.lastIndexOf('/')))]) {
        const record = this.#byPath.get(each);
        if (record !== undefined) backup.set(each, record);
      }
    }
    return backup;
  }

  /** `rollbackPendingChanges` */
  rollBack(zxid: number, backup: Backup): void {
    while (this.#inOrder.at(-1)?.zxid === zxid) {
      const record = this.#inOrder.pop() as ChangeRecord;
      this.#byPath.delete(record.path);
    }
    const first = this.#inOrder[0];
    if (first === undefined) return;
    for (const record of backup.values()) {
      if (record.zxid >= first.zxid) this.#byPath.set(record.path, record);
    }
  }

  /** Everything up to this zxid is in the tree now. */
  applied(zxid: number): void {
    while (this.#inOrder.length > 0 && (this.#inOrder[0] as ChangeRecord).zxid <= zxid) {
      const record = this.#inOrder.shift() as ChangeRecord;
      if (this.#byPath.get(record.path) === record) this.#byPath.delete(record.path);
    }
  }
}
