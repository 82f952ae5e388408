/**
 * One TCP connection with one handshake, over node-zookeeper-client's ConnectionManager.
 *
 * The manager is used to encode and order requests. It never reconnects: each connection has a new
 * manager, so that no partial frame, pending packet or watch of an old connection reaches the next.
 * Workarounds for its defects (numbered as in docs/decisions/0002-one-client-per-connection.md):
 *
 *  1. no deadline for the handshake → one deadline for connecting and handshake together
 *  3. partial frames survive a reconnect → frames are cut here, and end with the connection
 *  4. unknown error codes and event types throw, malformed answers loop, exhaust the memory or
 *     change its state → answers are decoded by decode.ts, never by the library; no exception
 *     leaves the socket's handlers; a state that the library sets by itself ends the connection
 *  5. requests are queued while disconnected → refused at once
 *  7. close() and connect() hang, throw or crash → not used; `end()` is always safe
 *  8. xids begin at 0 on each connection → they are the session's (request-numbers.ts)
 *  9. pings depend on the server's silence; no reason is given → `ping()` is called by the session;
 *     the end of a connection has a reason, and is reported once
 * 10. host lists → one server, given as host and port
 */

import ConnectionManager from 'node-zookeeper-client/lib/ConnectionManager.js';
import jute, { type Request } from 'node-zookeeper-client/lib/jute/index.js';
import type { ServerSocket } from '../../platform/tcp.ts';
import type { Clock } from '../../util/clock.ts';
import { duration } from '../../util/duration.ts';
import type { LogFunction } from '../../util/log-level.ts';
import type { Defer } from '../defaults.ts';
import { actionOn } from '../error-policy.ts';
import { RequestError, requestError } from '../errors.ts';
import { Answers, type Response } from './answers.ts';
import { authPacket, XID_AUTH } from './auth-packet.ts';
import { decodeHeader } from './decode.ts';
import { FrameReader } from './frames.ts';
import {
  type Handshake,
  type HandshakeRequest,
  handshakeFrame,
  judgeHandshake,
} from './handshake.ts';
import type { RequestNumbers } from './request-numbers.ts';
import { problemOf, readyEvent } from './sockets.ts';
import { Watches } from './watches.ts';

/** `lastZxid` is kept up to date in place. */
export interface ConnectionOptions extends HandshakeRequest {
  /** The session's request numbers; every request takes one. */
  readonly numbers: RequestNumbers;
  /** '' or `/a/b`. */
  readonly chroot: string;
  /** Time limit for connecting and the handshake together; milliseconds. */
  readonly handshakeDeadlineMs: number;
  readonly clock: Clock;
  readonly openSocket: () => ServerSocket;
  /** `user:password` to send for digest authentication, wiped here; null: none. May throw. */
  readonly credentials: () => Buffer | null;
  /** The socket is connected. */
  readonly onConnected: () => void;
  readonly onAttached: (handshake: Handshake) => void;
  /** Called once, even if no connection was made. */
  readonly onEnded: (reason: EndReason) => void;
  readonly defer: Defer;
  /** A frame arrived. */
  readonly onHeard: () => void;
  /** A well-formed frame arrived after the handshake. */
  readonly onUnderstood: () => void;
  readonly log: LogFunction;
}

export interface EndReason {
  /**
   * `expired`: the server reports that the session is over. `refused`: useless to try again until a
   * setting is changed. `late`: no handshake within the time limit.
   */
  readonly kind: 'expired' | 'failed' | 'refused' | 'late';
  readonly message: string;
}

type ConnectionState =
  | { readonly name: 'new' }
  | { readonly name: 'connecting' }
  | { readonly name: 'handshaking'; readonly sentAt: number }
  /** The handshake was accepted; the authentication is not answered yet. */
  | { readonly name: 'authenticating'; readonly handshake: Handshake }
  | { readonly name: 'attached' }
  | { readonly name: 'ended' };

/** ZooKeeper's own limit (jute.maxbuffer) is 1 MB by default. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
/**
 * Limit before the first request. The answer to a handshake has 37 bytes, to authentication fewer.
 */
const MAX_HANDSHAKE_BYTES = 1024;

export class Connection extends ConnectionManager {
  readonly watches = new Watches();
  readonly #options: ConnectionOptions;
  readonly #frames = new FrameReader();
  readonly #answers: Answers;
  #deadline: unknown;
  #current: ConnectionState = { name: 'new' };

  constructor(options: ConnectionOptions) {
    super('unused:0', { sessionTimeout: options.timeoutMs, spinDelay: 0 }, () => {});
    this.#options = options;
    this.sessionId = options.sessionId;
    this.sessionPassword = options.password;
    this.zxid = options.lastZxid;
    this.chrootPath = options.chroot === '' ? undefined : options.chroot;
    this.#answers = new Answers(this.watches, options);
  }

  get isAttached(): boolean {
    return this.#current.name === 'attached';
  }

  /** The handshake was sent, and we are not attached yet. */
  get isShakingHands(): boolean {
    return this.#current.name === 'handshaking' || this.#current.name === 'authenticating';
  }

  override connect(): void {
    if (this.#current.name !== 'new') throw new Error('a connection connects once');
    this.#enter({ name: 'connecting' }, ConnectionManager.STATES.CONNECTING);
    let socket: ServerSocket;
    try {
      socket = this.#options.openSocket();
    } catch (error) {
      // Not during connect(): its caller is not ready for the event yet.
      this.#options.defer(() => this.#fail(error));
      return;
    }
    this.socket = socket;
    const { clock, handshakeDeadlineMs } = this.#options;
    this.#deadline = clock.setTimeout(() => {
      const missing = this.isShakingHands ? 'no answer to the handshake' : 'no connection';
      this.end(`${missing} within ${duration(handshakeDeadlineMs)}`, 'late');
    }, handshakeDeadlineMs);
    socket.on(readyEvent(socket), () => this.#guarded(() => this.#shakeHands()));
    socket.on('data', (bytes: Buffer) => this.#guarded(() => this.#receive(bytes)));
    socket.on('drain', () => this.#guarded(() => this.onSocketDrain()));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.end(this.#closeReason));
  }

  /** Ends the connection; safe at any time. Unanswered requests fail with CONNECTION_LOSS. */
  end(message: string, kind: EndReason['kind'] = 'failed'): void {
    if (this.#current.name === 'ended') return;
    this.#options.clock.clearTimeout(this.#deadline);
    this.#enter({ name: 'ended' }, ConnectionManager.STATES.CLOSED);
    // A destroyed socket may still emit 'error'; it has a listener.
    this.socket?.destroy();
    const unanswered = this.pendingQueue.splice(0);
    for (let packet = this.packetQueue.shift(); packet; packet = this.packetQueue.shift()) {
      unanswered.push(packet);
    }
    for (const { callback } of unanswered) callback(requestError('CONNECTION_LOSS', 'unanswered'));
    this.#options.onEnded({ kind, message });
  }

  /** Called only by the library, for changes that never happen here (#enter assigns `state`). */
  override setState(state: number): void {
    this.end(`the client library changed its state to ${state}`);
  }

  override queue(request: Request, callback: (error: Error | null, response?: Response) => void) {
    if (!this.isAttached) return callback(requestError('CONNECTION_LOSS', 'not connected'));
    super.queue(request, callback);
  }

  /**
   * In this method the manager numbers and writes queued requests: immediately, or when the socket
   * has drained. Only here are numbers taken from the session.
   */
  override onPacketQueueReadable(): void {
    const { numbers } = this.#options;
    if (!numbers.hasNext) return this.end("the session's request numbers are exhausted", 'expired');
    this.xid = numbers.next;
    super.onPacketQueueReadable();
    numbers.usedBelow(this.xid);
  }

  ping(): void {
    const header = new jute.protocol.RequestHeader(jute.XID_PING, jute.OP_CODES['PING']);
    this.queue(new jute.Request(header, null), () => {});
  }

  /** Sets our state, and the corresponding one of the manager. */
  #enter(current: ConnectionState, state: number): void {
    this.#current = current;
    this.state = state;
  }

  #fail(error: unknown): void {
    const { message, isFinal } = problemOf(error);
    this.end(message, isFinal ? 'refused' : 'failed');
  }

  /** No data from a server may end the process. */
  #guarded(handle: () => void): void {
    if (this.#current.name === 'ended') return;
    try {
      handle();
    } catch (error) {
      this.end(`protocol error: ${error instanceof Error ? error.message : error}`);
    }
  }

  #shakeHands(): void {
    this.#options.onConnected();
    // Its listeners may have ended the connection.
    if (this.#current.name === 'ended') return;
    const sentAt = this.#options.clock.now();
    this.#enter({ name: 'handshaking', sentAt }, ConnectionManager.STATES.CONNECTING);
    this.socket?.write(handshakeFrame(this.#options));
  }

  #receive(bytes: Buffer): void {
    this.#frames.push(bytes);
    for (;;) {
      const current = this.#current;
      if (current.name === 'ended') return;
      const frame = this.#frames.next(this.isAttached ? MAX_FRAME_BYTES : MAX_HANDSHAKE_BYTES);
      if (frame === null) return;
      this.#options.onHeard();
      this.#onFrame(frame, current);
    }
  }

  #onFrame(frame: Buffer, current: ConnectionState): void {
    switch (current.name) {
      case 'handshaking':
        return this.#onHandshake(frame, current.sentAt);
      case 'authenticating':
        return this.#onAuthenticated(frame, current.handshake);
      case 'attached':
        this.#answers.receive(frame, this.pendingQueue);
        return this.#options.onUnderstood();
      case 'new':
      case 'connecting':
      case 'ended':
        throw new Error('an answer before the handshake');
    }
  }

  #onHandshake(frame: Buffer, sentAt: number): void {
    const result = judgeHandshake(frame, this.#options);
    if (result.kind !== 'accepted') return this.end(result.message, result.kind);
    if (result.warning !== null) this.#options.log('warn', result.warning);
    const handshake = { ...result.handshake, sentAt };
    this.sessionId = handshake.sessionId;
    this.sessionPassword = handshake.password;
    if (!this.#authenticate(handshake)) this.#attach(handshake);
  }

  /** True if there is an answer to wait for: no request may be sent before it. */
  #authenticate(handshake: Handshake): boolean {
    let credentials: Buffer | null;
    try {
      credentials = this.#options.credentials();
    } catch (error) {
      this.#fail(error);
      return true;
    }
    if (credentials === null) return false;
    this.#enter({ name: 'authenticating', handshake }, ConnectionManager.STATES.CONNECTING);
    const packet = authPacket(credentials);
    credentials.fill(0);
    this.socket?.write(packet, () => packet.fill(0));
    return true;
  }

  #onAuthenticated(frame: Buffer, handshake: Handshake): void {
    const { xid, err } = decodeHeader(frame);
    if (xid !== XID_AUTH) throw new Error('an answer out of order');
    if (err === 0) return this.#attach(handshake);
    const error = new RequestError(err, 'authentication');
    if (actionOn(error, 'connecting') !== 'refuse') return this.end(error.message);
    this.end('the server refused our authentication', 'refused');
  }

  #attach(handshake: Handshake): void {
    this.#options.clock.clearTimeout(this.#deadline);
    this.#enter({ name: 'attached' }, ConnectionManager.STATES.CONNECTED);
    this.#options.onAttached(handshake);
  }

  get #closeReason(): string {
    if (!this.isShakingHands) return 'the server closed the connection';
    const causes = 'no quorum? too many connections? or TLS only?';
    return `closed the connection instead of answering the handshake (${causes})`;
  }
}
