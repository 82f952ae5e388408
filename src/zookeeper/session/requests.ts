/** Encodes ZooKeeper's requests, by the codec of node-zookeeper-client; converts `Stat`. Pure. */
import jute, { type Request } from 'node-zookeeper-client/lib/jute/index.js';
import type { AclEntry } from '../../settings/access.ts';
import type { CreateMode, Operation, Stat } from '../client.ts';
import type { RawStat } from './decode.ts';

const { OP_CODES, protocol } = jute;

/** `record` and its `fields` have the codec's names. */
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

/** Not the library's own `transaction()`, which turns version 0 into -1 (any version). */
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
 * The operation that made a transaction fail, and its error code; null if all were carried out.
 * `errors`: of its operations, from `decodeAnswer`.
 */
export function multiFailure(
  errors: readonly number[],
): { readonly index: number; readonly number: number } | null {
  const failures = errors.flatMap((number, index) => (number === 0 ? [] : [{ index, number }]));
  // Operations before the failed one have code 0, later ones RUNTIME_INCONSISTENCY (-2).
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
