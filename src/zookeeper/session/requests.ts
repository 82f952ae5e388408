/**
 * ZooKeeper's requests as promises, in the codec of node-zookeeper-client. How they travel, and how
 * long an answer is waited for, is the session's.
 */
import jute, { type Request } from 'node-zookeeper-client/lib/jute/index.js';
import type { AclEntry } from '../../settings/access.ts';
import { isRequestError } from '../errors.ts';
import type { Confirmation } from '../lease/lease.ts';
import type { RawStat } from './decode.ts';

/** `org.apache.zookeeper.CreateMode`. */
export const CreateMode = {
  PERSISTENT: 0,
  EPHEMERAL: 1,
  EPHEMERAL_SEQUENTIAL: 3,
} as const;
export type CreateMode = (typeof CreateMode)[keyof typeof CreateMode];

/** `org.apache.zookeeper.data.Stat`; times are the leader's wall clock, in milliseconds. */
export interface Stat {
  /** zxid of the creation: grows over the ensemble's life. */
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  /** Id of the session that owns it; 0 for a persistent node. */
  readonly ephemeralOwner: bigint;
  readonly numChildren: number;
}

export interface NodeRead {
  readonly data: Buffer | undefined;
  readonly stat: Stat;
}

export type Operation =
  | { readonly type: 'check'; readonly path: string; readonly version?: number }
  | {
      readonly type: 'create';
      readonly path: string;
      readonly data: Buffer;
      readonly mode: CreateMode;
    };

/** What a watch tells: the node is gone, or anything else about it changed. */
export type OnChange = (change: 'deleted' | 'changed') => void;

/** What the recipes and the lease need of a session. Every request rejects with RequestError. */
export interface LockSession {
  readonly isAttached: boolean;
  create(
    path: string,
    data: Buffer,
    options: { readonly mode: CreateMode },
  ): Promise<{ readonly path: string; readonly czxid: bigint }>;
  /** Makes a node and its parents, persistent and empty, where they are missing. */
  mkdirp(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  setData(path: string, data: Buffer, version: number): Promise<Stat>;
  /** Watches are called once, or never when the connection goes; not from within a request. */
  exists(path: string, onChange?: OnChange): Promise<Stat | null>;
  getData(path: string, onChange?: OnChange): Promise<NodeRead>;
  getChildren(path: string, onChange?: OnChange): Promise<string[]>;
  /**
   * Is the node there, by the leader's word: a transaction goes to the leader and is committed by a
   * quorum in every version, also when it fails (`PrepRequestProcessor`, `CommitProcessor`); one
   * that only checks changes nothing and wakes no watch.
   */
  check(path: string): Promise<Confirmation>;
  /** All or nothing; rejects with the error of the operation that failed. */
  multi(operations: readonly Operation[]): Promise<void>;
}

const { OP_CODES, protocol } = jute;

/** `fields` are the record's, as the codec names them. */
export function requestOf(type: string, record: string | null, fields: object = {}): Request {
  const header = new protocol.RequestHeader();
  header.type = opCode(type);
  const payload = record === null ? null : Object.assign(newRecord(record), fields);
  return new jute.Request(header, payload);
}

export function createRequest(
  path: string,
  data: Buffer,
  mode: CreateMode,
  acl: readonly AclEntry[],
): Request {
  return requestOf('CREATE', 'CreateRequest', { path, data, acl: recordsOf(acl), flags: mode });
}

/** The library's own `transaction()` turns version 0 into -1, any version. */
export function multiRequest(operations: readonly Operation[], acl: readonly AclEntry[]): Request {
  const header = new protocol.RequestHeader();
  header.type = opCode('MULTI');
  const acls = recordsOf(acl).map((record) => ({ toRecord: () => record }));
  const ops = operations.map((operation) => {
    const { path } = operation;
    if (operation.type === 'check') {
      return { type: opCode('CHECK'), path, version: operation.version ?? -1 };
    }
    const { data, mode } = operation;
    return { type: opCode('CREATE'), path, data, mode, acls };
  });
  return new jute.Request(header, new jute.TransactionRequest(ops));
}

/**
 * For which operation a transaction failed, and how; null when all were carried out. `errors`: of its
 * operations, as `decodeAnswer` has them.
 */
export function multiFailure(
  errors: readonly number[],
): { readonly index: number; readonly number: number } | null {
  const failures = errors.flatMap((number, index) => (number === 0 ? [] : [{ index, number }]));
  // Those before the one that failed say 0, those after it RUNTIME_INCONSISTENCY (-2).
  return failures.find(({ number }) => number !== -2) ?? failures[0] ?? null;
}

export function statOf({ czxid, mzxid, ctime, mtime, ephemeralOwner, ...rest }: RawStat): Stat {
  return {
    czxid: czxid.readBigInt64BE(),
    mzxid: mzxid.readBigInt64BE(),
    ctime: Number(ctime.readBigInt64BE()),
    mtime: Number(mtime.readBigInt64BE()),
    ephemeralOwner: ephemeralOwner.readBigUInt64BE(),
    version: rest.version,
    numChildren: rest.numChildren,
  };
}

/** null where the node is not there. */
export async function ignoringNoNode<T>(request: Promise<T>): Promise<T | null> {
  try {
    return await request;
  } catch (error) {
    if (isRequestError(error) && error.code === 'NO_NODE') return null;
    throw error;
  }
}

function recordsOf(acl: readonly AclEntry[]): object[] {
  const { ACL, Id } = jute.data;
  return acl.map(({ scheme, id, permissions }) => new ACL(permissions, new Id(scheme, id)));
}

function opCode(name: string): number {
  const code = OP_CODES[name];
  if (code === undefined) throw new Error(`no such request: ${name}`);
  return code;
}

function newRecord(name: string): object {
  const Record = (protocol as Readonly<Record<string, new () => object>>)[name];
  if (Record === undefined) throw new Error(`no such record: ${name}`);
  return new Record();
}
