/**
 * State and sessions of one server (`ZKDatabase`), and how a transaction changes them
 * (`ZooKeeperServer.processTxn`, `DataTree.processTxn`).
 */
import type { AnswerBody, MultiResult } from '../wire/answers.ts';
import { EMPTY } from '../wire/answers.ts';
import { Code, KeeperFault, Op, type SessionId } from '../wire/codes.ts';
import { statOf } from './data-node.ts';
import { DataTree } from './data-tree.ts';
import type { SimpleChange, Transaction, TransactionHeader } from './transaction.ts';

/** `ProcessTxnResult`, in the form of the answer. */
export interface Applied {
  readonly err: number;
  readonly body: AnswerBody;
}

/** `ZKDatabase.commitLogCount` */
const MAX_COMMITTED = 500;

export class Database {
  tree: DataTree;
  /** Timeouts of sessions; milliseconds (`sessionsWithTimeouts`). */
  readonly sessions: Map<SessionId, number>;
  /** The newest committed transactions, for learners that are a little behind. */
  committed: Transaction[] = [];

  constructor(tree = new DataTree(), sessions: ReadonlyMap<SessionId, number> = new Map()) {
    this.tree = tree;
    this.sessions = new Map(sessions);
  }

  copy(): Database {
    return new Database(this.tree.copy(), this.sessions);
  }

  apply(transaction: Transaction): Applied {
    const applied = this.#change(transaction);
    const { zxid } = transaction.header;
    this.tree.lastProcessedZxid = Math.max(this.tree.lastProcessedZxid, zxid);
    this.committed.push(transaction);
    if (this.committed.length > 2 * MAX_COMMITTED) this.committed.splice(0, MAX_COMMITTED);
    return applied;
  }

  #change({ header, change }: Transaction): Applied {
    switch (change.op) {
      case Op.createSession:
        this.sessions.set(header.session, change.timeoutMs);
        return { err: Code.ok, body: EMPTY };
      case Op.closeSession:
        this.sessions.delete(header.session);
        this.tree.endSession(header.session, change.paths, header.zxid);
        return { err: Code.ok, body: EMPTY };
      case Op.multi: {
        const results = this.#multi(header, change.changes);
        return {
          err: results.find(({ err }) => err !== 0)?.err ?? 0,
          body: { kind: 'multi', results },
        };
      }
      default: {
        const { err, ...result } = this.#simple(header, change);
        return { err, body: bodyOf(result) };
      }
    }
  }

  /** Where one operation failed, those before it answer 0 and those after it -2. */
  #multi(header: TransactionHeader, changes: readonly SimpleChange[]): MultiResult[] {
    const failed = changes.findIndex(({ op }) => op === Op.error);
    if (failed === -1) return changes.map((change) => this.#simple(header, change));
    return changes.map((change) => ({
      op: Op.error,
      err: change.op === Op.error ? change.err : Code.ok,
    }));
  }

  #simple(header: TransactionHeader, change: SimpleChange): MultiResult {
    const { op } = change;
    try {
      this.tree.apply(header, change);
    } catch (fault) {
      if (!(fault instanceof KeeperFault)) throw fault;
      return { op: Op.error, err: fault.code };
    }
    switch (op) {
      case Op.create:
        return { op, err: Code.ok, path: change.path };
      case Op.create2:
        return {
          op,
          err: Code.ok,
          path: change.path,
          stat: statOf(this.tree.existing(change.path)),
        };
      case Op.setData:
      case Op.setAcl:
        return { op, err: Code.ok, stat: statOf(this.tree.existing(change.path)) };
      default:
        return { op, err: Code.ok };
    }
  }
}

function bodyOf({ path, stat }: Omit<MultiResult, 'err'>): AnswerBody {
  if (path !== undefined && stat !== undefined) return { kind: 'path and stat', path, stat };
  if (path !== undefined) return { kind: 'path', path };
  if (stat !== undefined) return { kind: 'stat', stat };
  return EMPTY;
}
