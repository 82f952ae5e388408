/**
 * Handles the frames of an attached connection: matches each answer with the oldest unanswered
 * request, and each event with its watches. An unexpected frame throws, which ends the connection:
 * nothing from a server is ignored silently.
 */
import type { Packet } from 'node-zookeeper-client/lib/ConnectionManager.js';
import jute, { type Request, type RequestHeader } from 'node-zookeeper-client/lib/jute/index.js';
import type { LogFunction } from '../../util/log-level.ts';
import { RequestError, requestError } from '../errors.ts';
import {
  type AnswerBody,
  type AnswerHeader,
  type Asked,
  decodeAnswer,
  decodeHeader,
  decodeWatchEvent,
} from './decode.ts';
import type { Watches } from './watches.ts';

/** A complete answer; `body` is null if its header has an error. */
export interface Response {
  readonly header: AnswerHeader;
  readonly body: AnswerBody | null;
}

export interface AnswersOptions {
  /** '' or `/a/b`. */
  readonly chroot: string;
  /** Newest zxid that the session has seen, 8 bytes; updated in place. */
  readonly lastZxid: Buffer;
  readonly log: LogFunction;
}

/** `ClientCnxn`: NOTIFICATION_XID, PING_XID */
const XID_NOTIFICATION = -1;
const XID_PING = -2;

export class Answers {
  readonly #watches: Watches;
  readonly #options: AnswersOptions;

  constructor(watches: Watches, options: AnswersOptions) {
    this.#watches = watches;
    this.#options = options;
  }

  /** `pending`: requests without an answer, in the order in which they were sent. */
  receive(frame: Buffer, pending: Packet[]): void {
    const header = decodeHeader(frame);
    if (header.xid === XID_NOTIFICATION) return this.#notify(frame);
    // Any answer to a ping counts: servers also send one while they throttle (THROTTLED).
    if (header.xid === XID_PING) return;
    if (header.xid < 0) throw new Error(`an unexpected answer (xid ${header.xid})`);
    this.#noteZxid(header.zxid);
    const packet = pending.shift();
    if (packet === undefined) throw new Error('an answer without a request');
    try {
      this.#settle(packet, header, frame);
    } catch (error) {
      // Fails like all unanswered requests on this connection.
      packet.callback(requestError('CONNECTION_LOSS', 'unanswered'));
      throw error;
    }
  }

  #settle({ request, callback }: Packet, header: AnswerHeader, frame: Buffer): void {
    if (request.header.xid !== header.xid) throw new Error('an answer out of order');
    if (header.err !== 0) {
      // Some still have a body, without meaning (`FinalRequestProcessor`, create).
      return callback(new RequestError(header.err, nameOf(request.header)), { header, body: null });
    }
    const body = decodeAnswer(frame, askedBy(request), this.#options.chroot);
    callback(null, { header, body });
  }

  #notify(frame: Buffer): void {
    const { type, path } = decodeWatchEvent(frame);
    const { chroot, log } = this.#options;
    const isInChroot = path.startsWith(chroot);
    // -1 (a change of the session's state) and types of newer servers concern none of our watches.
    if (isInChroot && this.#watches.notify(type, path.slice(chroot.length) || '/')) return;
    log('debug', `ignored a watch event of type ${type}`);
  }

  /** Error answers also contain a zxid; it never decreases. */
  #noteZxid(zxid: Buffer): void {
    const { lastZxid } = this.#options;
    if (zxid.readBigInt64BE() > lastZxid.readBigInt64BE()) zxid.copy(lastZxid);
  }
}

function askedBy({ header, payload }: Request): Asked {
  const operations = payload instanceof jute.TransactionRequest ? payload.ops : [];
  return { type: header.type, operations: operations.map(({ type }) => type) };
}

function nameOf({ type }: RequestHeader): string {
  const name = Object.entries(jute.OP_CODES).find(([, code]) => code === type)?.[0] ?? 'request';
  return name.toLowerCase().replaceAll('_', ' ');
}
