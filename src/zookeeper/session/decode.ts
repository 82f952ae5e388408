/**
 * Decodes a server's frames, for each type of answer that lockex requests
 * (`org.apache.zookeeper.proto`). A frame is decoded completely or rejected with MalformedAnswer;
 * no part of a rejected frame is used. Pure. Every `frame` begins with its length.
 */
import jute from 'node-zookeeper-client/lib/jute/index.js';
import { JuteReader, MalformedAnswer } from './jute-reader.ts';

/** `ReplyHeader` */
export interface AnswerHeader {
  readonly xid: number;
  /** 8 bytes. */
  readonly zxid: Buffer;
  readonly err: number;
}

/** `Stat`; longs are buffers of 8 bytes. */
export interface RawStat {
  readonly czxid: Buffer;
  readonly mzxid: Buffer;
  readonly ctime: Buffer;
  readonly mtime: Buffer;
  readonly version: number;
  readonly ephemeralOwner: Buffer;
  readonly numChildren: number;
}

export type AnswerBody =
  | { readonly kind: 'empty' }
  | { readonly kind: 'created'; readonly path: string }
  | { readonly kind: 'stat'; readonly stat: RawStat }
  | { readonly kind: 'data'; readonly data: Buffer | undefined; readonly stat: RawStat }
  | { readonly kind: 'children'; readonly children: readonly string[] }
  /** `errors`: one for each operation, or none if all were carried out. */
  | { readonly kind: 'multi'; readonly errors: readonly number[] };

/** The parts of a request that are needed to decode its answer. */
export interface Asked {
  readonly type: number;
  /** The types of a transaction's operations. */
  readonly operations: readonly number[];
}

export interface HandshakeAnswer {
  /** Milliseconds; 0 or less: there is no such session. */
  readonly timeoutMs: number;
  /** 8 bytes. */
  readonly sessionId: Buffer;
  readonly password: Buffer;
}

export interface WatchEvent {
  readonly type: number;
  /** With the chroot. */
  readonly path: string;
}

const LENGTH_BYTES = 4;
const HEADER_BYTES = 4 + 8 + 4;
export const PASSWORD_BYTES = 16;
const STAT_BYTES = 6 * 8 + 5 * 4;
/** `ZooDefs.OpCode.error` */
const ERROR = -1;
const OK = 0;
const EMPTY: AnswerBody = { kind: 'empty' };

/** `ConnectResponse`. Newer servers append fields to it (`readOnly`), which are not read. */
export function decodeHandshake(frame: Buffer): HandshakeAnswer {
  const reader = new JuteReader(frame, LENGTH_BYTES);
  reader.int();
  const timeoutMs = reader.int();
  const sessionId = reader.long();
  const password = reader.buffer();
  if (password?.length !== PASSWORD_BYTES) {
    throw new MalformedAnswer(`a password of ${password?.length ?? 0} bytes`);
  }
  return { timeoutMs, sessionId, password };
}

export function decodeHeader(frame: Buffer): AnswerHeader {
  const reader = new JuteReader(frame, LENGTH_BYTES);
  return { xid: reader.int(), zxid: reader.long(), err: reader.int() };
}

/** `WatcherEvent` */
export function decodeWatchEvent(frame: Buffer): WatchEvent {
  return decodeBody(frame, (reader) => {
    const type = reader.int();
    // The state of the session, which the connection knows already.
    reader.int();
    return { type, path: reader.string() };
  });
}

/** The body of an answer without an error. `chroot`: '' or `/a/b`. */
export function decodeAnswer(frame: Buffer, asked: Asked, chroot: string): AnswerBody {
  return decodeBody(frame, (reader) => bodyOf(reader, asked, chroot));
}

function decodeBody<T>(frame: Buffer, read: (reader: JuteReader) => T): T {
  const reader = new JuteReader(frame, LENGTH_BYTES + HEADER_BYTES);
  const body = read(reader);
  reader.end();
  return body;
}

function bodyOf(reader: JuteReader, { type, operations }: Asked, chroot: string): AnswerBody {
  const { OP_CODES } = jute;
  switch (type) {
    case OP_CODES['DELETE']:
    case OP_CODES['CLOSE_SESSION']:
      return EMPTY;
    case OP_CODES['CREATE']:
      return { kind: 'created', path: belowChroot(reader.string(), chroot) };
    case OP_CODES['EXISTS']:
    case OP_CODES['SET_DATA']:
      return { kind: 'stat', stat: statFrom(reader) };
    case OP_CODES['GET_DATA']: {
      const data = reader.buffer() ?? undefined;
      return { kind: 'data', data, stat: statFrom(reader) };
    }
    case OP_CODES['GET_CHILDREN2']: {
      const children = reader.strings();
      statFrom(reader);
      return { kind: 'children', children };
    }
    case OP_CODES['MULTI']:
      return { kind: 'multi', errors: multiErrors(reader, operations, chroot) };
    default:
      throw new MalformedAnswer(`an answer to a request of type ${type}`);
  }
}

/**
 * `MultiResponse`: a result for each operation, either all of the operations' own types or all
 * errors (`DataTree.processTxn` turns every operation into an error when one fails).
 */
function multiErrors(reader: JuteReader, operations: readonly number[], chroot: string): number[] {
  const errors: number[] = [];
  let carriedOut = 0;
  for (const operation of operations) {
    const type = multiHeader(reader, false);
    if (type === ERROR) errors.push(reader.int());
    else if (type !== operation) throw new MalformedAnswer(`a result of type ${type}`);
    else {
      carriedOut += 1;
      // The only other operation is `check`, which has no result (Operation, in client.ts).
      if (type === jute.OP_CODES['CREATE']) belowChroot(reader.string(), chroot);
    }
  }
  multiHeader(reader, true);
  const isFailed = errors.some((error) => error !== OK);
  if (isFailed ? carriedOut > 0 : errors.length > 0) {
    throw new MalformedAnswer('a partly executed transaction');
  }
  return errors;
}

/** `MultiHeader`: type, done, err. */
function multiHeader(reader: JuteReader, isLast: boolean): number {
  const type = reader.int();
  const isDone = reader.boolean();
  reader.int();
  if (isDone !== isLast)
    throw new MalformedAnswer('the number of results differs from the number of operations');
  return type;
}

function statFrom(reader: JuteReader): RawStat {
  if (reader.left < STAT_BYTES) throw new MalformedAnswer('a truncated stat');
  const [czxid, mzxid, ctime, mtime] = [reader.long(), reader.long(), reader.long(), reader.long()];
  const version = reader.int();
  // cversion, aversion
  reader.int();
  reader.int();
  const ephemeralOwner = reader.long();
  // dataLength
  reader.int();
  const numChildren = reader.int();
  // pzxid
  reader.long();
  return { czxid, mzxid, ctime, mtime, version, ephemeralOwner, numChildren };
}

function belowChroot(path: string, chroot: string): string {
  if (!path.startsWith(chroot)) throw new MalformedAnswer('a path outside of the chroot');
  return path.slice(chroot.length);
}
