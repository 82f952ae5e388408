/**
 * One ZooKeeper session, over any number of connections. Attaches, re-attaches when a connection
 * ends, keeps the session alive while it is idle, and reports its end.
 *
 * The lease, not the session, decides if a lock is safe. Workarounds for defects of the client
 * library (numbered as in connection.ts): 2. silence is never detected → a read deadline of 2/3 T;
 * 5. requests have no deadline → each has one, and none is queued; 6. callbacks that repeat a
 * request while the connection ends recurse → answers are promises, watches are deferred;
 * 7. close() → bounded; 9. endless pings and retries → our own, until the session is over.
 */
import type { Request } from 'node-zookeeper-client/lib/jute/index.js';
import type { SessionInfo } from '../../../machines/contract.ts';
import type { Host } from '../../settings/access.ts';
import { duration } from '../../util/duration.ts';
import { BackOff, sleep } from '../back-off.ts';
import type { Attachment } from '../client.ts';
import { defer } from '../defaults.ts';
import { requestError, UnreachableError } from '../errors.ts';
import { Attacher, nextAttachment } from './attach.ts';
import { Connection, type EndReason } from './connection.ts';
import { readCredentials } from './credentials.ts';
import { type Answer, Exchange } from './exchange.ts';
import type { Handshake } from './handshake.ts';
import { HostFailures } from './host-failures.ts';
import { hostName } from './host-rotation.ts';
import { KeepAlive } from './keep-alive.ts';
import { Requester } from './requester.ts';
import { requestOf } from './requests.ts';
import { SessionEnd } from './session-end.ts';
import { type SessionCredentials, SessionIdentity } from './session-identity.ts';
import type { SessionEvents, SessionOptions } from './session-options.ts';
import { openSocket } from './sockets.ts';
import type { Watch } from './watches.ts';

type SessionState =
  | { readonly name: 'new' }
  /** `connection`: the last one tried; null: none yet. */
  | { readonly name: 'detached'; readonly connection: Connection | null }
  | { readonly name: 'attached'; readonly connection: Connection; readonly attachment: Attachment }
  | { readonly name: 'over' };

export type { SessionOptions } from './session-options.ts';

export class Session extends Requester<SessionEvents> {
  readonly #options: SessionOptions;
  #state: SessionState = { name: 'new' };
  readonly #identity: SessionIdentity;
  /** Attachments so far. */
  #attachments = 0;
  #heardAt = 0;
  /** Time of the last data from a server other than a handshake. */
  #answeredAt = 0;
  #attachedAt = 0;
  /** Paces attachments: the next one is immediate only after one that answered requests. */
  readonly #backOff: BackOff;
  readonly #attacher: Attacher;
  readonly #keepAlive: KeepAlive;
  readonly #exchange: Exchange;
  readonly #end: SessionEnd;

  constructor(options: SessionOptions) {
    super(options);
    const { clock, random, resume } = options;
    this.#options = options;
    this.#identity = new SessionIdentity(options.timeoutMs, resume);
    const sessionTimeoutMs = () => this.#identity.timeoutMs;
    this.#backOff = new BackOff({ sessionTimeoutMs, random });
    this.#attacher = new Attacher({
      ...{ ...options, sessionTimeoutMs },
      attachTo: (server, deadlineMs) => this.#attachTo(server, deadlineMs),
      endIfSilent: () => this.#endIfSilent(),
      isOver: () => this.#isOver(),
    });
    this.#keepAlive = new KeepAlive({
      clock,
      timeoutMs: sessionTimeoutMs,
      heardAt: () => this.#heardAt,
      ping: () => this.#connection?.ping(),
      onSilence: (silenceMs) =>
        this.reattach(`no answer from the server for ${(silenceMs / 1000).toFixed(1)} s`),
    });
    this.#exchange = new Exchange({
      clock,
      heardAt: () => this.#heardAt,
      onSent: (at) => this.#keepAlive.sent(at),
      isPresent: (connection) => connection === this.#connection && this.isAttached,
      withPath: (error, path) => this.withPath(error, path),
    });
    this.#end = new SessionEnd({
      ...{ clock, random, sessionTimeoutMs },
      request: (deadlineMs) =>
        this.ask(requestOf('CLOSE_SESSION', null), '', undefined, deadlineMs),
      reattach: (reason) => this.reattach(reason),
      onConfirmed: () => this.abandon(),
    });
  }

  /**
   * One attempt to create a session: tries all hosts repeatedly within `boundMs`. Resolves when the
   * first handshake is answered; rejects with UnreachableError, or with a RequestError if the
   * session was closed meanwhile.
   */
  async connect(boundMs: number): Promise<void> {
    if (this.#state.name !== 'new') throw new Error('a session connects once');
    this.#state = { name: 'detached', connection: null };
    const failures = new HostFailures();
    if (await this.#attacher.create(this.#options.clock.now() + boundMs, failures)) return;
    if (this.#isOver()) throw requestError('CONNECTION_LOSS', 'closed while connecting');
    this.#state = { name: 'over' };
    throw new UnreachableError(failures.of(this.#options.hosts));
  }

  /**
   * Closes the session at the server, which deletes its nodes. True if the server confirmed that.
   * In any case, nothing of the session remains in this process after `boundMs` at the latest.
   */
  async close(boundMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const until = clock.now() + boundMs;
    let needsRequest = (await this.#end.needsRepeat) ?? this.#mayExist;
    while (needsRequest && (await this.whenAttached(until - clock.now()))) {
      this.askForEnd(Math.max(1, until - clock.now()));
      needsRequest = (await this.#end.needsRepeat) === true;
    }
    this.abandon();
    return this.hasEnded || this.id === 0n;
  }

  /**
   * Requests the end of the session, without waiting for earlier requests: a server processes a
   * session's requests in order. Nothing may be sent after it. `close` waits for the answer, for at
   * most `boundMs`.
   */
  askForEnd(boundMs: number): void {
    this.#end.send(boundMs);
  }

  /** True if the server confirmed the end that we requested. */
  get hasEnded(): boolean {
    return this.#end.isConfirmed;
  }

  /** Sends nothing more, not even the end: lets the session expire. */
  abandon(): void {
    const connection = this.#connection;
    this.#state = { name: 'over' };
    this.#keepAlive.stop();
    connection?.end('abandoned');
    this.emit('abandoned');
    this.removeAllListeners();
  }

  /** Drops the connection and attaches again, to another host if there is one. */
  reattach(reason: string): void {
    this.#attacher.avoid(this.attached?.server ?? null);
    this.#connection?.end(reason);
  }

  get isAttached(): boolean {
    return this.#state.name === 'attached' && this.#state.connection.isAttached;
  }

  get attached(): Attachment | null {
    return this.#state.name === 'attached' ? this.#state.attachment : null;
  }

  /** The id, in the format of a node's `ephemeralOwner`; 0 before the session exists. */
  get id(): bigint {
    return this.#identity.id;
  }

  /** `server`: '' while detached; `timeoutMs`: the requested one before the first handshake. */
  get info(): SessionInfo {
    const { attached } = this;
    return {
      server: attached?.server ?? '',
      timeoutMs: attached?.timeoutMs ?? this.#identity.timeoutMs,
    };
  }

  /** For the reaper only: must never be logged. null before there is a session to close. */
  credentials(): SessionCredentials | null {
    return this.#identity.credentials;
  }

  /** True once attached; false after `boundMs`, or when the session is over. */
  async whenAttached(boundMs: number): Promise<boolean> {
    if (this.#isOver() || boundMs <= 0) return false;
    return this.isAttached || (await nextAttachment(this, this.#options.clock, boundMs));
  }

  /** Resolves to null if the session is attached, else to the reason. */
  async #attachTo(server: Host, handshakeDeadlineMs: number): Promise<EndReason | null> {
    const { auth, tls, clock, chroot, log } = this.#options;
    return await new Promise<EndReason | null>((resolve) => {
      const connection: Connection = new Connection({
        ...this.#identity.handshakeRequest,
        numbers: this.#identity.numbers,
        ...{ chroot, handshakeDeadlineMs, clock, log, defer: this.#options.defer ?? defer },
        openSocket: () => (this.#options.openSocket ?? openSocket)(server, tls),
        credentials: () => (auth === null ? null : readCredentials(auth)),
        onConnected: () => this.emit('connected'),
        onHeard: () => {
          this.#heardAt = clock.now();
        },
        onUnderstood: () => {
          this.#answeredAt = this.#heardAt;
        },
        onAttached: (handshake) => {
          this.#onAttached(connection, hostName(server), handshake);
          resolve(null);
        },
        onEnded: (reason) => {
          const wasAttached = this.attached !== null && connection === this.#connection;
          if (wasAttached) this.#onDetached(reason);
          else if (reason.kind === 'expired') this.#expire(reason.message, 'server');
          resolve(reason);
        },
      });
      this.#state = { name: 'detached', connection };
      connection.connect();
    });
  }

  #onAttached(connection: Connection, server: string, handshake: Handshake): void {
    const { sentAt: handshakeSentAt, timeoutMs } = handshake;
    this.#identity.accept(handshake);
    this.#attachments += 1;
    const attachment = { server, number: this.#attachments, handshakeSentAt, timeoutMs };
    this.#state = { name: 'attached', connection, attachment };
    this.#attachedAt = this.#options.clock.now();
    if (this.#answeredAt === 0) this.#answeredAt = this.#attachedAt;
    this.#keepAlive.start();
    this.emit('attached', attachment);
  }

  #onDetached({ kind, message }: EndReason): void {
    this.#state = { name: 'detached', connection: null };
    this.#keepAlive.stop();
    if (kind === 'expired') return this.#expire(message, 'server');
    if (this.#options.clock.now() >= this.#answeredAt + this.#identity.timeoutMs) {
      return this.#expire('servers accept the session but do not answer requests', 'silence');
    }
    this.emit('detached', { reason: message });
    void this.#attachAgain();
  }

  /** Immediately, but with pauses if servers close connections soon after a handshake or answer. */
  async #attachAgain(): Promise<void> {
    const servedMs = Math.max(0, this.#answeredAt - this.#attachedAt);
    const pause = this.#backOff.nextMs(servedMs);
    if (pause > 0) await sleep(this.#options.clock, pause);
    await this.#attacher.reattach();
  }

  #expire(message: string, by: 'server' | 'silence'): void {
    if (this.#isOver()) return;
    // The answer to our request for the end may be lost, although the session has ended.
    if (by === 'server' && this.#end.isRequested) return this.#end.confirm();
    this.#state = { name: 'over' };
    this.emit('expired', { message, by });
  }

  #endIfSilent(): void {
    if (this.#options.clock.now() < this.#heardAt + this.#identity.timeoutMs) return;
    const timeout = duration(this.#identity.timeoutMs);
    this.#expire(`no response from any server for ${timeout} (the session timeout)`, 'silence');
  }

  get #connection(): Connection | null {
    return 'connection' in this.#state ? this.#state.connection : null;
  }

  /** A method: the compiler would assume that a property is unchanged after an await. */
  #isOver(): boolean {
    return this.#state.name === 'over';
  }

  /** True if a server may have the session: created, or its handshake is not answered yet. */
  get #mayExist(): boolean {
    if (this.#state.name === 'new' || this.#isOver()) return false;
    return this.id !== 0n || this.#connection?.isShakingHands === true;
  }

  protected override ask(
    request: Request,
    path: string,
    watch?: Watch,
    deadlineMs = (this.#identity.timeoutMs * 2) / 3,
  ): Promise<Answer> {
    const state = this.#state;
    if (state.name === 'attached' && state.connection.isAttached) {
      return this.#exchange.ask(state, { request, path, watch, deadlineMs });
    }
    // Not immediately: a caller that repeats it in a loop would starve the sockets.
    return new Promise<Answer>((_, reject) => {
      (this.#options.defer ?? defer)(() => reject(requestError('CONNECTION_LOSS', path)));
    });
  }
}
