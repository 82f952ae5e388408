/**
 * The replicated state of one server (`DataTree`): nodes, the owners of ephemeral nodes, and the
 * newest zxid that was applied. The same transactions give the same tree on every member.
 */
import { Code, EventType, KeeperFault, NO_SESSION, Op, type SessionId } from '../wire/codes.ts';
import type { Acl } from '../wire/requests.ts';
import { copyOf, type DataNode, newStat } from './data-node.ts';
import { nameOf } from './path-rules.ts';
import type { SimpleChange, TransactionHeader } from './transaction.ts';
import { Watches } from './watches.ts';

export class DataTree {
  readonly #nodes = new Map<string, DataNode>();
  readonly #ephemerals = new Map<SessionId, Set<string>>();
  readonly watches = new Watches();
  lastProcessedZxid = 0;

  constructor() {
    const node = (children: string[]): DataNode => ({
      data: Buffer.alloc(0),
      acl: [],
      stat: newStat(0, 0),
      children: new Set(children),
    });
    this.#nodes.set('/', node(['zookeeper']));
    this.#nodes.set('/zookeeper', node(['quota', 'config']));
    this.#nodes.set('/zookeeper/quota', node([]));
    this.#nodes.set('/zookeeper/config', node([]));
  }

  /** Without the watches. */
  copy(): DataTree {
    const copy = new DataTree();
    copy.#nodes.clear();
    for (const [path, node] of this.#nodes) copy.#nodes.set(path, copyOf(node));
    for (const [session, paths] of this.#ephemerals) copy.#ephemerals.set(session, new Set(paths));
    copy.lastProcessedZxid = this.lastProcessedZxid;
    return copy;
  }

  get paths(): string[] {
    return [...this.#nodes.keys()];
  }

  /** '' is the root as well. */
  node(path: string): DataNode | undefined {
    return this.#nodes.get(path === '' ? '/' : path);
  }

  /** @throws KeeperFault */
  existing(path: string): DataNode {
    const node = this.node(path);
    if (node === undefined) throw new KeeperFault(Code.noNode);
    return node;
  }

  ephemeralsOf(session: SessionId): readonly string[] {
    return [...(this.#ephemerals.get(session) ?? [])];
  }

  /** @throws KeeperFault where the transaction does not fit: a replay of what was applied */
  apply(header: TransactionHeader, change: SimpleChange): void {
    const { zxid, time } = header;
    switch (change.op) {
      case Op.create:
      case Op.create2:
        return this.#create(header, change);
      case Op.delete:
        return this.#delete(change.path, zxid);
      case Op.setData: {
        const node = this.existing(change.path);
        node.data = change.data;
        Object.assign(node.stat, { mtime: time, mzxid: zxid, version: change.version });
        const { path } = change;
        return this.watches.triggerData({ type: EventType.dataChanged, path, zxid, acl: node.acl });
      }
      case Op.setAcl: {
        const node = this.existing(change.path);
        node.acl = change.acl;
        node.stat.aversion = change.version;
        return;
      }
      case Op.check:
        return;
      case Op.error:
        throw new KeeperFault(change.err);
    }
  }

  /** `DataTree.killSession` */
  endSession(session: SessionId, paths: readonly string[], zxid: number): void {
    const all = new Set([...paths, ...this.ephemeralsOf(session)]);
    for (const path of all) if (this.node(path) !== undefined) this.#delete(path, zxid);
    this.#ephemerals.delete(session);
  }

  #create(
    { session, zxid, time }: TransactionHeader,
    change: Extract<SimpleChange, { op: 1 | 15 }>,
  ): void {
    const { path, data, acl, isEphemeral, parentCversion } = change;
    const parentPath = path.slice(0, path.lastIndexOf('/'));
    const parent = this.existing(parentPath);
    if (this.node(path) !== undefined) throw new KeeperFault(Code.nodeExists);
    // Not beyond 2^31 - 1: the next number is smaller, and the tree keeps the old one.
    if (parentCversion > parent.stat.cversion) {
      parent.stat.cversion = parentCversion;
      parent.stat.pzxid = zxid;
    }
    parent.children.add(nameOf(path));
    const stat = newStat(zxid, time, isEphemeral ? session : NO_SESSION);
    this.#nodes.set(path, { data, acl, stat, children: new Set() });
    if (isEphemeral) {
      const owned = this.#ephemerals.get(session);
      if (owned === undefined) this.#ephemerals.set(session, new Set([path]));
      else owned.add(path);
    }
    this.watches.triggerData({ type: EventType.created, path, zxid, acl });
    this.#triggerParent(parentPath, zxid, parent.acl);
  }

  #delete(path: string, zxid: number): void {
    const node = this.existing(path);
    const parentPath = path.slice(0, path.lastIndexOf('/'));
    const parent = this.existing(parentPath);
    parent.children.delete(nameOf(path));
    parent.stat.pzxid = Math.max(parent.stat.pzxid, zxid);
    this.#nodes.delete(path);
    this.#ephemerals.get(node.stat.owner)?.delete(path);
    this.watches.triggerDeleted(path, zxid, node.acl);
    this.#triggerParent(parentPath, zxid, parent.acl);
  }

  #triggerParent(path: string, zxid: number, acl: readonly Acl[]): void {
    this.watches.triggerChildren(path === '' ? '/' : path, zxid, acl);
  }
}
