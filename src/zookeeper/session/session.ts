/**
 * One ZooKeeper session, over as many connections as it takes. It attaches, re-attaches when a
 * connection ends, keeps the session alive while it is idle, and reports when it is over.
 *
 * It never decides whether a lock is safe: the lease does. Defects of the client library that are
 * worked around here (numbers as in connection.ts): 2. silence is never noticed → a read deadline
 * of 2/3 T; 5. requests have no deadline → each has one, and none is queued; 6. callbacks that
 * repeat a request while the connection ends recurse → answers are promises, watches are deferred;
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
  /** Last heard by more than a handshake. */
  #answeredAt = 0;
  #attachedAt = 0;
  /** Of attachments: the next one is tried at once only after one that served. */
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
   * One attempt at a new session, over all hosts as often as `boundMs` allows. Resolves when the
   * first handshake is answered; rejects with UnreachableError, or RequestError if closed before.
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
   * Ends the session at the server, which deletes its nodes. True if the server confirmed that. In
   * any case nothing of the session is left in this process afterwards, after `boundMs` at the
   * latest.
   */
  async close(boundMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const until = clock.now() + boundMs;
    let isToAsk = (await this.#end.isToRepeat) ?? this.#mayExist;
    while (isToAsk && (await this.whenAttached(until - clock.now()))) {
      this.askForEnd(Math.max(1, until - clock.now()));
      isToAsk = (await this.#end.isToRepeat) === true;
    }
    this.abandon();
    return this.hasEnded || this.id === 0n;
  }

  /**
   * Requests the end of the session behind the requests already sent, without waiting for those: a
   * server processes the requests of a session in order. Nothing may be sent behind it. `close`
   * waits for the answer, for `boundMs` at most.
   */
  askForEnd(boundMs: number): void {
    this.#end.send(boundMs);
  }

  /** True if the server confirmed the end that we requested. */
  get hasEnded(): boolean {
    return this.#end.isConfirmed;
  }

  /** Sends nothing more, not even the end: leaves the session to its timeout. */
  abandon(): void {
    const connection = this.#connection;
    this.#state = { name: 'over' };
    this.#keepAlive.stop();
    connection?.end('abandoned');
    this.emit('abandoned');
    this.removeAllListeners();
  }

  /** Drops the connection and attaches again, to another host where there is one. */
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

  /** The id as nodes carry it in `ephemeralOwner`; 0 before there is one. */
  get id(): bigint {
    return this.#identity.id;
  }

  /** `server`: '' while detached; `timeoutMs`: the wanted one before the first handshake. */
  get info(): SessionInfo {
    const { attached } = this;
    return {
      server: attached?.server ?? '',
      timeoutMs: attached?.timeoutMs ?? this.#identity.timeoutMs,
    };
  }

  /** For the reaper only: never to be logged. null before there is a session to close. */
  credentials(): SessionCredentials | null {
    return this.#identity.credentials;
  }

  /** True once attached; false after `boundMs`, or when the session is over. */
  async whenAttached(boundMs: number): Promise<boolean> {
    if (this.#isOver() || boundMs <= 0) return false;
    return this.isAttached || (await nextAttachment(this, this.#options.clock, boundMs));
  }

  /** null when the session is attached; else why it is not. */
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

  /** At once, but with pauses where servers hang up soon after each handshake or answer. */
  async #attachAgain(): Promise<void> {
    const servedMs = Math.max(0, this.#answeredAt - this.#attachedAt);
    const pause = this.#backOff.nextMs(servedMs);
    if (pause > 0) await sleep(this.#options.clock, pause);
    await this.#attacher.reattach();
  }

  #expire(message: string, by: 'server' | 'silence'): void {
    if (this.#isOver()) return;
    // The answer to our request for the end may be lost, and the session has ended all the same.
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

  /** A call, so that the compiler does not assume the state of before an await. */
  #isOver(): boolean {
    return this.#state.name === 'over';
  }

  /** At a server: it was created, or a handshake that would create it is not answered yet. */
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
    // Not at once: a caller that repeats it upon that would starve the sockets.
    return new Promise<Answer>((_, reject) => {
      (this.#options.defer ?? defer)(() => reject(requestError('CONNECTION_LOSS', path)));
    });
  }
}
