/**
 * One TCP connection and one handshake, over node-zookeeper-client's ConnectionManager.
 *
 * The manager is used for what it does well: encoding requests, their order.
 * It never reconnects here: each connection has a fresh one, so that no half frame, pending packet
 * or watch of an old connection reaches the next. What it does wrong is kept from happening
 * (numbers are those of docs/decisions/0002-one-client-per-connection.md):
 *
 *  1. no deadline for the handshake → one deadline for connecting and the handshake together
 *  3. half frames survive a reconnect → frames are cut here, and die with the connection
 *  4. unknown error codes and event types throw, malformed answers loop, exhaust the memory or change
 *     its state → answers are decoded by decode.ts, never by the library; no exception leaves the
 *     socket's handlers; a state that the library sets by itself ends the connection
 *  5. requests are queued while disconnected → refused at once
 *  7. close() and connect() hang, throw or crash → not used; `end()` is always safe
 *  8. xids begin at 0 on each connection → they are the session's (request-numbers.ts)
 *  9. pings depend on the server's silence; no reason is given → `ping()` is the caller's; the end
 *     of a connection has a reason, and is told once
 * 10. host lists → one server, given as host and port
 */

import ConnectionManager, { type Packet } from 'node-zookeeper-client/lib/ConnectionManager.js';
import jute, { type Request, type RequestHeader } from 'node-zookeeper-client/lib/jute/index.js';
import type { ServerSocket } from '../../platform/tcp.ts';
import type { Clock } from '../../util/clock.ts';
import { duration } from '../../util/duration.ts';
import type { LogFunction } from '../../util/log-level.ts';
import { wipeableBuffer } from '../../util/trusted-file.ts';
import { actionOn } from '../error-policy.ts';
import { RequestError, requestError } from '../errors.ts';
import {
  type AnswerBody,
  type AnswerHeader,
  type Asked,
  decodeAnswer,
  decodeHandshake,
  decodeHeader,
  decodeWatchEvent,
} from './decode.ts';
import { FrameReader } from './frames.ts';
import { judgeTimeout } from './granted-timeout.ts';
import type { RequestNumbers } from './request-numbers.ts';
import { readyEvent, troubleWith } from './sockets.ts';
import { Watches } from './watches.ts';

export interface ConnectionOptions {
  /** 8 bytes; zeros ask for a new session. */
  readonly sessionId: Buffer;
  readonly password: Buffer;
  /** The session timeout to ask for; milliseconds. */
  readonly timeoutMs: number;
  /**
   * Newest zxid that the session has seen, 8 bytes, kept up to date in place: a server that is
   * behind it refuses us.
   */
  readonly lastZxid: Buffer;
  /** The session's; every request takes one from here. */
  readonly numbers: RequestNumbers;
  /** '' or `/a/b`. */
  readonly chroot: string;
  /** For connecting and the handshake together; milliseconds. */
  readonly handshakeDeadlineMs: number;
  readonly clock: Clock;
  readonly openSocket: () => ServerSocket;
  /** `user:password` to be sent for digest authentication, and wiped here; null: none. May throw. */
  readonly credentials: () => Buffer | null;
  /** The socket stands. */
  readonly onConnected: () => void;
  readonly onAttached: (handshake: Handshake) => void;
  /** Said once, also when the connection was never made. */
  readonly onEnded: (reason: EndReason) => void;
  /** Something came from the server. */
  readonly onHeard: () => void;
  /** It made sense, to one who is attached. */
  readonly onUnderstood: () => void;
  readonly log: LogFunction;
}

export interface Handshake {
  /** Read right before the handshake was written. */
  readonly sentAt: number;
  readonly sessionId: Buffer;
  readonly password: Buffer;
  /** The session timeout that was granted, limited to what is plausible; milliseconds. */
  readonly timeoutMs: number;
}

export interface EndReason {
  /**
   * `expired`: the server says that the session is over. `refused`: trying again would end no better
   * until somebody changes a setting. `late`: no handshake within its deadline.
   */
  readonly kind: 'expired' | 'failed' | 'refused' | 'late';
  readonly message: string;
}

/** ZooKeeper's own bound (jute.maxbuffer) is 1 MB by default; what is larger is no frame. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
/** Before anything was asked for; an answer to the handshake has 37 bytes, one to ours less. */
const MAX_HANDSHAKE_BYTES = 1024;
/** `ClientCnxn`: NOTIFICATION_XID, PING_XID, AUTHPACKET_XID */
const XID_NOTIFICATION = -1;
const XID_PING = -2;
const XID_AUTH = -4;

/** A whole answer; `body` is null where its header has an error. */
export interface Response {
  readonly header: AnswerHeader;
  readonly body: AnswerBody | null;
}

export class Connection extends ConnectionManager {
  readonly watches = new Watches();
  readonly #options: ConnectionOptions;
  readonly #frames = new FrameReader();
  #deadline: unknown;
  #sentAt = 0;
  /** Answered, but we are not authenticated yet. */
  #handshake: Handshake | null = null;
  #ended = false;

  constructor(options: ConnectionOptions) {
    super('unused:0', { sessionTimeout: options.timeoutMs, spinDelay: 0 }, () => {});
    this.#options = options;
    this.sessionId = options.sessionId;
    this.sessionPassword = options.password;
    this.zxid = options.lastZxid;
    this.chrootPath = options.chroot === '' ? undefined : options.chroot;
  }

  get isAttached(): boolean {
    return !this.#ended && this.state === ConnectionManager.STATES.CONNECTED;
  }

  /** The handshake was sent, and is not answered yet. */
  get isShakingHands(): boolean {
    return this.#sentAt !== 0 && this.state === ConnectionManager.STATES.CONNECTING;
  }

  override connect(): void {
    if (this.socket !== undefined) throw new Error('a connection connects once');
    const { clock, handshakeDeadlineMs } = this.#options;
    this.state = ConnectionManager.STATES.CONNECTING;
    let socket: ServerSocket;
    try {
      socket = this.#options.openSocket();
    } catch (error) {
      // Not from within connect(): whoever called it is not ready for the answer yet.
      setImmediate(() => this.#fail(error));
      return;
    }
    this.socket = socket;
    this.#deadline = clock.setTimeout(() => {
      const waited = duration(handshakeDeadlineMs);
      this.end(
        this.#sentAt === 0
          ? `no connection within ${waited}`
          : `no answer to the handshake within ${waited}`,
        'late',
      );
    }, handshakeDeadlineMs);
    socket.on(readyEvent(socket), () => this.#guarded(() => this.#shakeHands()));
    socket.on('data', (bytes: Buffer) => this.#guarded(() => this.#receive(bytes)));
    socket.on('drain', () => this.#guarded(() => this.onSocketDrain()));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.end(this.#closedWords()));
  }

  /** Ends the connection; safe at any time. What is unanswered fails with CONNECTION_LOSS. */
  end(message: string, kind: EndReason['kind'] = 'failed'): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.clock.clearTimeout(this.#deadline);
    this.state = ConnectionManager.STATES.CLOSED;
    // A destroyed socket may still emit 'error'; it has a listener.
    this.socket?.destroy();
    const unanswered = this.pendingQueue.splice(0);
    for (let packet = this.packetQueue.shift(); packet; packet = this.packetQueue.shift()) {
      unanswered.push(packet);
    }
    for (const { callback } of unanswered) callback(requestError('CONNECTION_LOSS', 'unanswered'));
    this.#options.onEnded({ kind, message });
  }

  /** Only for what is not expected: the state is assigned where it is. */
  override setState(state: number): void {
    this.end(`the client library changed its state to ${state}`);
  }

  override queue(request: Request, callback: (error: Error | null, response?: Response) => void) {
    if (!this.isAttached) return callback(requestError('CONNECTION_LOSS', 'not connected'));
    super.queue(request, callback);
  }

  /**
   * Where the manager numbers and writes what is queued: at once, or when the socket has drained.
   * Numbers are taken from the session's here, and nowhere else.
   */
  override onPacketQueueReadable(): void {
    const { numbers } = this.#options;
    if (!numbers.areLeft) return this.end('the session has no request numbers left', 'expired');
    this.xid = numbers.next;
    super.onPacketQueueReadable();
    numbers.usedBelow(this.xid);
  }

  ping(): void {
    const header = new jute.protocol.RequestHeader(jute.XID_PING, jute.OP_CODES['PING']);
    this.queue(new jute.Request(header, null), () => {});
  }

  #fail(error: unknown): void {
    const { message, isFinal } = troubleWith(error);
    this.end(message, isFinal ? 'refused' : 'failed');
  }

  /** Nothing that a server sends may end the process. */
  #guarded(handle: () => void): void {
    if (this.#ended) return;
    try {
      handle();
    } catch (error) {
      this.end(`protocol error: ${error instanceof Error ? error.message : error}`);
    }
  }

  #shakeHands(): void {
    const { clock, lastZxid, timeoutMs, sessionId, password } = this.#options;
    this.#options.onConnected();
    this.#sentAt = clock.now();
    const handshake = new jute.protocol.ConnectRequest(
      jute.PROTOCOL_VERSION,
      lastZxid,
      Math.round(timeoutMs),
      sessionId,
      password,
    );
    this.socket?.write(new jute.Request(null, handshake).toBuffer());
  }

  #receive(bytes: Buffer): void {
    this.#frames.push(bytes);
    while (!this.#ended) {
      const frame = this.#frames.next(this.isAttached ? MAX_FRAME_BYTES : MAX_HANDSHAKE_BYTES);
      if (frame === null) return;
      this.#options.onHeard();
      if (this.isAttached) this.#onAnswer(frame);
      else if (this.#handshake === null) this.#onHandshake(frame);
      else this.#onAuthenticated(frame, this.#handshake);
    }
  }

  #onAnswer(frame: Buffer): void {
    this.#onFrame(frame);
    this.#options.onUnderstood();
  }

  #onHandshake(frame: Buffer): void {
    const answer = decodeHandshake(frame);
    const asked = this.#options.sessionId;
    const isNew = asked.every((byte) => byte === 0);
    if (isNew && (answer.timeoutMs <= 0 || answer.sessionId.every((byte) => byte === 0))) {
      return this.end('the server makes no session for us');
    }
    if (answer.timeoutMs <= 0)
      return this.end('the server says that the session expired', 'expired');
    if (!isNew && !answer.sessionId.equals(asked)) {
      return this.end('the server answered with another session', 'expired');
    }
    const timeout = judgeTimeout(answer.timeoutMs, this.#options.timeoutMs);
    if (timeout.kind === 'refused') return this.end(timeout.message);
    if (timeout.kind === 'limited') this.#options.log('warn', timeout.message);
    this.sessionId = answer.sessionId;
    this.sessionPassword = answer.password;
    const handshake = {
      sentAt: this.#sentAt,
      sessionId: answer.sessionId,
      password: answer.password,
      timeoutMs: timeout.timeoutMs,
    };
    if (this.#authenticate()) this.#handshake = handshake;
    else this.#attached(handshake);
  }

  /** True when there is an answer to wait for: no request may go out before it. */
  #authenticate(): boolean {
    let credentials: Buffer | null;
    try {
      credentials = this.#options.credentials();
    } catch (error) {
      this.#fail(error);
      return true;
    }
    if (credentials === null) return false;
    const packet = authPacket(credentials);
    credentials.fill(0);
    this.socket?.write(packet, () => packet.fill(0));
    return true;
  }

  #onAuthenticated(frame: Buffer, handshake: Handshake): void {
    const { xid, err } = decodeHeader(frame);
    if (xid !== XID_AUTH) throw new Error('an answer out of order');
    if (err !== 0) {
      const error = new RequestError(err, 'authentication');
      if (actionOn(error, 'connecting') !== 'refuse') return this.end(error.message);
      return this.end('the server refuses our authentication', 'refused');
    }
    this.#attached(handshake);
  }

  #attached(handshake: Handshake): void {
    this.#options.clock.clearTimeout(this.#deadline);
    this.state = ConnectionManager.STATES.CONNECTED;
    this.#options.onAttached(handshake);
  }

  /** Whatever is not expected ends the connection: nothing that a server sends is ignored silently. */
  #onFrame(frame: Buffer): void {
    const header = decodeHeader(frame);
    if (header.xid === XID_NOTIFICATION) return this.#onNotification(frame);
    // Any answer to a ping will do: servers send one also where they throttle (THROTTLED).
    if (header.xid === XID_PING) return;
    if (header.xid < 0) throw new Error(`an unexpected answer (xid ${header.xid})`);
    this.#noteZxid(header.zxid);
    const packet = this.pendingQueue.shift();
    if (packet === undefined) throw new Error('an answer that no request waits for');
    try {
      this.#settle(packet, header, frame);
    } catch (error) {
      // It fails as all the others do that are not answered on this connection.
      packet.callback(requestError('CONNECTION_LOSS', 'unanswered'));
      throw error;
    }
  }

  #settle({ request, callback }: Packet, header: AnswerHeader, frame: Buffer): void {
    if (request.header.xid !== header.xid) throw new Error('an answer out of order');
    if (header.err !== 0) {
      // Some carry a body all the same (`FinalRequestProcessor`, create), which says nothing.
      return callback(new RequestError(header.err, nameOf(request.header)), { header, body: null });
    }
    const body = decodeAnswer(frame, askedBy(request), this.#options.chroot);
    callback(null, { header, body });
  }

  #onNotification(frame: Buffer): void {
    const { type, path } = decodeWatchEvent(frame);
    const { chroot } = this.#options;
    const isOurs = path.startsWith(chroot);
    // -1 (a change of the session's state) and types of newer servers concern no watch of ours.
    if (isOurs && this.watches.tell(type, path.slice(chroot.length) || '/')) return;
    this.#options.log('debug', `a watch event of type ${type} was ignored`);
  }

  /** Error answers carry a zxid as well; it never goes back. */
  #noteZxid(zxid: Buffer): void {
    const { lastZxid } = this.#options;
    if (zxid.readBigInt64BE() > lastZxid.readBigInt64BE()) zxid.copy(lastZxid);
  }

  #closedWords(): string {
    if (!this.isShakingHands) return 'the server closed the connection';
    const causes = 'no quorum? too many connections? or TLS only?';
    return `closed the connection instead of answering the handshake (${causes})`;
  }
}

/** `org.apache.zookeeper.proto.AuthPacket`, in a buffer that can be wiped: the codec's would stay. */
function authPacket(credentials: Buffer): Buffer {
  const scheme = Buffer.from('digest');
  const size = 4 + 4 + 4 + 4 + 4 + scheme.length + 4 + credentials.length;
  const packet = wipeableBuffer(size).subarray(0, size);
  let at = packet.writeInt32BE(packet.length - 4, 0);
  at = packet.writeInt32BE(XID_AUTH, at);
  at = packet.writeInt32BE(jute.OP_CODES['AUTH'] ?? 100, at);
  at = packet.writeInt32BE(0, at);
  at = packet.writeInt32BE(scheme.length, at);
  at += scheme.copy(packet, at);
  at = packet.writeInt32BE(credentials.length, at);
  credentials.copy(packet, at);
  return packet;
}

function askedBy({ header, payload }: Request): Asked {
  const operations = payload instanceof jute.TransactionRequest ? payload.ops : [];
  return { type: header.type, operations: operations.map(({ type }) => type) };
}

function nameOf({ type }: RequestHeader): string {
  const name = Object.entries(jute.OP_CODES).find(([, code]) => code === type)?.[0] ?? 'request';
  return name.toLowerCase().replaceAll('_', ' ');
}
