/** Single changes, checked and recorded (`PrepRequestProcessor.pRequest2Txn`). */
import { newStat } from '../tree/data-node.ts';
import { parentOf, validatePath } from '../tree/path-rules.ts';
import { checkAcl, fixAcl } from '../tree/permissions.ts';
import type { SimpleChange, TransactionHeader } from '../tree/transaction.ts';
import { Code, KeeperFault, NO_SESSION, Op, Permission } from '../wire/codes.ts';
import type { ChangeRequest, CreateRequest } from '../wire/requests.ts';
import type { ExistingRecord, OutstandingChanges } from './outstanding-changes.ts';
import type { ServerRequest } from './request.ts';
import type { SessionTracker } from './session-tracker.ts';

/** `CreateMode` flags */
const EPHEMERAL = 1;
const SEQUENTIAL = 2;
const MAX_FLAGS = 3;
/** `DataTree.isSpecialPath` */
const SPECIAL = new Set(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']);

export class ChangePreparer {
  readonly #changes: OutstandingChanges;
  readonly #sessions: SessionTracker;

  constructor(changes: OutstandingChanges, sessions: SessionTracker) {
    this.#changes = changes;
    this.#sessions = sessions;
  }

  /** @throws KeeperFault */
  prepare(change: ChangeRequest, request: ServerRequest, header: TransactionHeader): SimpleChange {
    const { zxid } = header;
    if ('flags' in change) return this.#create(change, request, header);
    this.#sessions.check(request.session, request.owner);
    const { path, version } = change;
    if (change.op === Op.delete) return this.#delete(change, request, zxid);
    validatePath(path);
    switch (change.op) {
      case Op.setData: {
        const record = this.#allowed(path, Permission.write, request);
        const next = nextVersion(record.stat.version, version);
        Object.assign(record.stat, { version: next, mtime: header.time, mzxid: zxid });
        this.#changes.add({ ...record, zxid });
        return { op: Op.setData, path, data: change.data, version: next };
      }
      case Op.setAcl: {
        const acl = fixAcl(change.acl, request.ids);
        const record = this.#allowed(path, Permission.admin, request);
        const next = nextVersion(record.stat.aversion, version);
        record.stat.aversion = next;
        // The copy keeps the old list: later requests see the new one when it is applied.
        this.#changes.add({ ...record, zxid });
        return { op: Op.setAcl, path, acl, version: next };
      }
      case Op.check: {
        const record = this.#allowed(path, Permission.read, request);
        return { op: Op.check, path, version: nextVersion(record.stat.version, version) };
      }
    }
  }

  #create(request: CreateRequest, from: ServerRequest, header: TransactionHeader): SimpleChange {
    const { op, data, flags } = request;
    if (flags < 0 || flags > MAX_FLAGS) throw new KeeperFault(Code.badArguments);
    this.#sessions.check(from.session, from.owner);
    const parentPath = parentOf(request.path);
    const acl = fixAcl(request.acl, from.ids);
    const parent = this.#allowed(parentPath, Permission.create, from);
    const { cversion } = parent.stat;
    const isSequential = (flags & SEQUENTIAL) !== 0;
    const path = isSequential ? request.path + sequenceOf(cversion) : request.path;
    validatePath(path);
    if (this.#changes.has(path)) throw new KeeperFault(Code.nodeExists);
    if (parent.stat.owner !== NO_SESSION) throw new KeeperFault(Code.noChildrenForEphemerals);
    const { zxid, time } = header;
    // 32 bits: the number after 2147483647 is -2147483648.
    const parentCversion = (cversion + 1) | 0;
    const stat = { ...parent.stat, cversion: parentCversion, pzxid: zxid };
    this.#changes.add({ ...parent, zxid, stat, childCount: parent.childCount + 1 });
    const isEphemeral = (flags & EPHEMERAL) !== 0;
    const ownStat = newStat(zxid, time, isEphemeral ? from.session : NO_SESSION);
    this.#changes.add({ zxid, path, stat: ownStat, acl, childCount: 0 });
    return { op, path, data, acl, isEphemeral, parentCversion };
  }

  #delete(
    { path, version }: { readonly path: string; readonly version: number },
    from: ServerRequest,
    zxid: number,
  ): SimpleChange {
    const parentPath = parentOf(path);
    if (SPECIAL.has(path)) throw new KeeperFault(Code.badArguments);
    const parent = this.#allowed(parentPath, Permission.delete, from);
    const record = this.#changes.record(path);
    nextVersion(record.stat.version, version);
    if (record.childCount > 0) throw new KeeperFault(Code.notEmpty);
    const stat = { ...parent.stat, pzxid: zxid };
    this.#changes.add({ ...parent, zxid, stat, childCount: parent.childCount - 1 });
    this.#changes.add({ zxid, path, stat: null, acl: [], childCount: 0 });
    return { op: Op.delete, path };
  }

  #allowed(path: string, permission: number, { ids }: ServerRequest): ExistingRecord {
    const record = this.#changes.record(path);
    checkAcl(record.acl, permission, ids);
    return record;
  }
}

/** `checkAndIncVersion` */
function nextVersion(current: number, expected: number): number {
  if (expected !== -1 && expected !== current) throw new KeeperFault(Code.badVersion);
  const next = (current + 1) | 0;
  return next === -1 ? 0 : next;
}

/** `String.format("%010d")`: a sign counts as a digit. */
function sequenceOf(cversion: number): string {
  if (cversion >= 0) return String(cversion).padStart(10, '0');
  return `-${String(-cversion).padStart(9, '0')}`;
}
