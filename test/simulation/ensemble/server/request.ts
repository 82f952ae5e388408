/**
 * A request on its way through the processors of a server (`org.apache.zookeeper.server.Request`).
 */
import type { Change, TransactionHeader } from '../tree/transaction.ts';
import { Op, type SessionId } from '../wire/codes.ts';
import type { Id } from '../wire/requests.ts';
import type { ClientConnection } from './client-connection.ts';

/** The sender of a session's requests: the clients of this server, or a learner. */
export type Owner = object;

/** `ServerCnxn.me`: all clients of this server are one owner. */
export const OWN_CLIENTS: Owner = { name: 'clients of this server' };

export interface ServerRequest {
  /** null where the client is at another server, or there is none. */
  readonly connection: ClientConnection | null;
  readonly session: SessionId;
  readonly cxid: number;
  readonly op: number;
  /** Behind the header of the request. */
  readonly body: Buffer;
  readonly ids: readonly Id[];
  owner: Owner | null;
  /** Of `createSession`; milliseconds. */
  readonly timeoutMs: number;
  header: TransactionHeader | null;
  change: Change | null;
  /** `KeeperException.Code` of what `PrepRequestProcessor` has found. */
  fault: number | null;
  isThrottled: boolean;
}

export interface RequestFields {
  readonly connection?: ClientConnection | null;
  readonly session: SessionId;
  readonly cxid: number;
  readonly op: number;
  readonly body?: Buffer;
  readonly ids?: readonly Id[];
  readonly owner?: Owner | null;
  readonly timeoutMs?: number;
}

const NOTHING = Buffer.alloc(0);

export function newRequest(fields: RequestFields): ServerRequest {
  return {
    connection: fields.connection ?? null,
    session: fields.session,
    cxid: fields.cxid,
    op: fields.op,
    body: fields.body ?? NOTHING,
    ids: fields.ids ?? [],
    owner: fields.owner ?? null,
    timeoutMs: fields.timeoutMs ?? 0,
    header: null,
    change: null,
    fault: null,
    isThrottled: false,
  };
}

/** Types that become transactions (`FollowerRequestProcessor`: what is passed on to the leader). */
export function isChange(op: number): boolean {
  switch (op) {
    case Op.create:
    case Op.create2:
    case Op.delete:
    case Op.setData:
    case Op.setAcl:
    case Op.multi:
    case Op.check:
    case Op.createSession:
    case Op.closeSession:
      return true;
    default:
      return false;
  }
}
