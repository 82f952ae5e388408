/**
 * The disk of a member, which survives its process: the log of transactions, a snapshot, and its
 * epochs (`FileTxnLog`, `FileSnap`, `QuorumPeer.getAcceptedEpoch`).
 */
import type { Random } from '../../../support/random.ts';
import type { Delay } from '../../network/link.ts';
import { Database } from '../tree/database.ts';
import type { Transaction } from '../tree/transaction.ts';

/** So many transactions are in the log before it begins again with a snapshot. */
const MAX_LOG = 2000;

export class Disk {
  readonly #random: Random;
  #fsync: Delay;
  #log: Transaction[] = [];
  #snapshot = new Database();
  acceptedEpoch = 0;
  currentEpoch = 0;
  /** Until then, no fsync ends; milliseconds of the simulation. */
  stalledUntil = 0;

  constructor(random: Random, fsync: Delay) {
    this.#random = random;
    this.#fsync = fsync;
  }

  setFsync(fsync: Delay): void {
    this.#fsync = fsync;
  }

  drawFsyncMs(): number {
    return this.#random.between(this.#fsync.minMs, this.#fsync.maxMs);
  }

  get lastLoggedZxid(): number {
    return this.#log.at(-1)?.header.zxid ?? this.#snapshot.tree.lastProcessedZxid;
  }

  /** After the fsync. */
  append(transactions: readonly Transaction[]): void {
    for (const transaction of transactions) {
      if (transaction.header.zxid > this.lastLoggedZxid) this.#log.push(transaction);
    }
  }

  /** Everything that is logged, also what was never committed (`FileTxnSnapLog.restore`). */
  load(): Database {
    const database = this.#snapshot.copy();
    this.catchUp(database);
    return database;
  }

  /** `ZKDatabase.fastForwardDataBase` */
  catchUp(database: Database): void {
    for (const transaction of this.#log) {
      if (transaction.header.zxid > database.tree.lastProcessedZxid) database.apply(transaction);
    }
  }

  /** `ZooKeeperServer.takeSnapshot`: what was logged behind it stays in the log. */
  saveSnapshot(database: Database): void {
    this.#snapshot = database.copy();
    const { lastProcessedZxid } = database.tree;
    this.#log = this.#log.filter(({ header }) => header.zxid > lastProcessedZxid);
  }

  /** A snapshot of the leader replaces everything (`Leader.SNAP`). */
  replace(database: Database): void {
    this.#snapshot = database.copy();
    this.#log = [];
  }

  /** Keeps what is up to this zxid (`Leader.TRUNC`). False where a snapshot is beyond it. */
  truncate(zxid: number): boolean {
    if (this.#snapshot.tree.lastProcessedZxid > zxid) return false;
    this.#log = this.#log.filter(({ header }) => header.zxid <= zxid);
    return true;
  }

  compact(database: Database): void {
    if (this.#log.length > MAX_LOG) this.saveSnapshot(database);
  }
}
