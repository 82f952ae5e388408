/**
 * Transactions, as they are proposed, logged and applied: a header (`TxnHeader`) and a change
 * (`org.apache.zookeeper.txn`).
 */
import type { Op, SessionId } from '../wire/codes.ts';
import type { Acl } from '../wire/requests.ts';

export interface TransactionHeader {
  readonly session: SessionId;
  readonly cxid: number;
  readonly zxid: number;
  /** Wall clock of the leader; milliseconds. */
  readonly time: number;
  /** The type of the change; `Op.error` where it was refused. */
  readonly op: number;
}

export type SimpleChange =
  | {
      readonly op: typeof Op.create | typeof Op.create2;
      readonly path: string;
      readonly data: Buffer | null;
      readonly acl: readonly Acl[];
      readonly isEphemeral: boolean;
      readonly parentCversion: number;
    }
  | { readonly op: typeof Op.delete; readonly path: string }
  | {
      readonly op: typeof Op.setData;
      readonly path: string;
      readonly data: Buffer | null;
      readonly version: number;
    }
  | {
      readonly op: typeof Op.setAcl;
      readonly path: string;
      readonly acl: readonly Acl[];
      readonly version: number;
    }
  | { readonly op: typeof Op.check; readonly path: string; readonly version: number }
  | { readonly op: typeof Op.error; readonly err: number };

export type Change =
  | SimpleChange
  | { readonly op: typeof Op.createSession; readonly timeoutMs: number }
  | { readonly op: typeof Op.closeSession; readonly paths: readonly string[] }
  | { readonly op: typeof Op.multi; readonly changes: readonly SimpleChange[] };

/** Never changed: members share it. */
export interface Transaction {
  readonly header: TransactionHeader;
  readonly change: Change;
}

/** The upper 32 bits of a zxid are its epoch (`ZxidUtils`). */
const EPOCH = 2 ** 32;

export function zxidOf(epoch: number, counter: number): number {
  return epoch * EPOCH + counter;
}

export function epochOf(zxid: number): number {
  return Math.floor(zxid / EPOCH);
}

export function counterOf(zxid: number): number {
  return zxid % EPOCH;
}
