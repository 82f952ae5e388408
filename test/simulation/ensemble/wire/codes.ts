/**
 * Numbers of the wire protocol: `ZooDefs.OpCode`, `KeeperException.Code`,
 * `Watcher.Event.EventType`.
 */

export const Op = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  auth: 100,
  setWatches: 101,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const;

export const Code = {
  ok: 0,
  runtimeInconsistency: -2,
  marshallingError: -5,
  unimplemented: -6,
  badArguments: -8,
  unknownSession: -12,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  invalidAcl: -114,
  authFailed: -115,
  sessionMoved: -118,
  throttledOp: -127,
} as const;

export const EventType = {
  created: 1,
  deleted: 2,
  dataChanged: 3,
  childrenChanged: 4,
} as const;

/** `ClientCnxn` */
export const Xid = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

/** `Watcher.Event.KeeperState.SyncConnected` */
export const SYNC_CONNECTED = 3;

/** `ZooDefs.Perms` */
export const Permission = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;

/** Thrown where a server throws `KeeperException`. Not an Error: it needs no stack. */
export class KeeperFault {
  readonly code: number;

  constructor(code: number) {
    this.code = code;
  }
}

/** 16 hexadecimal digits, as session ids are kept in the model. */
export type SessionId = string;

export const NO_SESSION: SessionId = '0'.repeat(16);
