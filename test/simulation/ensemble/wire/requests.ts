/** Requests of clients, decoded: the records of zookeeper.jute that lockex and the tests send. */
import { Op, type SessionId } from './codes.ts';
import { JuteInput } from './jute.ts';

export interface Id {
  readonly scheme: string;
  readonly id: string;
}

export interface Acl extends Id {
  readonly permissions: number;
}

/** `ConnectRequest` */
export interface ConnectRequest {
  readonly lastZxidSeen: number;
  readonly timeoutMs: number;
  readonly session: SessionId;
  readonly password: Buffer;
}

export interface CreateRequest {
  readonly op: typeof Op.create | typeof Op.create2;
  readonly path: string;
  readonly data: Buffer | null;
  readonly acl: readonly Acl[];
  /** `CreateMode`: 1 for ephemeral, 2 for sequential nodes. */
  readonly flags: number;
}

export interface VersionedRequest {
  readonly op: typeof Op.delete | typeof Op.check;
  readonly path: string;
  readonly version: number;
}

export interface SetDataRequest {
  readonly op: typeof Op.setData;
  readonly path: string;
  readonly data: Buffer | null;
  readonly version: number;
}

export interface SetAclRequest {
  readonly op: typeof Op.setAcl;
  readonly path: string;
  readonly acl: readonly Acl[];
  readonly version: number;
}

export type ChangeRequest = CreateRequest | VersionedRequest | SetDataRequest | SetAclRequest;

export interface ReadRequest {
  readonly path: string;
  readonly watch: boolean;
}

export interface SetWatches {
  readonly relativeZxid: number;
  readonly data: readonly string[];
  readonly exist: readonly string[];
  readonly children: readonly string[];
}

export function decodeConnect(frame: Buffer): ConnectRequest {
  const input = new JuteInput(frame);
  input.int();
  const lastZxidSeen = input.long();
  const timeoutMs = input.int();
  const session = input.sessionId();
  return { lastZxidSeen, timeoutMs, session, password: input.buffer() ?? Buffer.alloc(0) };
}

/** One change, alone or in a transaction. `body`: behind the header. @throws RangeError */
export function decodeChange(op: number, input: JuteInput): ChangeRequest {
  const path = input.text();
  switch (op) {
    case Op.create:
    case Op.create2: {
      const data = input.buffer();
      const acl = readAcl(input);
      return { op, path, data, acl, flags: input.int() };
    }
    case Op.delete:
    case Op.check:
      return { op, path, version: input.int() };
    case Op.setData: {
      const data = input.buffer();
      return { op, path, data, version: input.int() };
    }
    case Op.setAcl: {
      const acl = readAcl(input);
      return { op, path, acl, version: input.int() };
    }
    default:
      throw new RangeError(`no change: ${op}`);
  }
}

/** `MultiOperationRecord`: operations, each behind a `MultiHeader`, until one that is done. */
export function decodeMulti(body: Buffer): ChangeRequest[] {
  const input = new JuteInput(body);
  const operations: ChangeRequest[] = [];
  for (;;) {
    const op = input.int();
    const isDone = input.boolean();
    input.int();
    if (isDone) return operations;
    operations.push(decodeChange(op, input));
  }
}

export function decodeRead(body: Buffer): ReadRequest {
  const input = new JuteInput(body);
  const path = input.text();
  return { path, watch: input.left > 0 && input.boolean() };
}

export function decodeSetWatches(body: Buffer): SetWatches {
  const input = new JuteInput(body);
  const relativeZxid = input.long();
  const paths = () => input.list(() => input.text());
  return { relativeZxid, data: paths(), exist: paths(), children: paths() };
}

/** `AuthPacket` */
export function decodeAuth(body: Buffer): { readonly scheme: string; readonly auth: Buffer } {
  const input = new JuteInput(body);
  input.int();
  const scheme = input.text();
  return { scheme, auth: input.buffer() ?? Buffer.alloc(0) };
}

function readAcl(input: JuteInput): Acl[] {
  return input.list(() => {
    const permissions = input.int();
    const scheme = input.text();
    return { permissions, scheme, id: input.text() };
  });
}
