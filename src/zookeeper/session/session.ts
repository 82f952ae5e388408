/**
 * One ZooKeeper session, over as many connections as it takes. It attaches, re-attaches when a
 * connection ends, keeps the session alive while it is idle, and says when it is over.
 *
 * It never says that a lock is safe: that is the lease's. Defended against here (numbers as in
 * connection.ts): 2. silence is never noticed → a read deadline of 2/3 T; 5. requests have no
 * deadline → each has one, and none is queued; 6. callbacks that re-issue a request while the
 * connection dies recurse → answers are promises, watches are deferred; 7. close() → bounded;
 * 9. pings and retries without end → our own, until a verdict.
 */

import type { Request } from 'node-zookeeper-client/lib/jute/index.js';
import type { SessionInfo } from '../../../machines/contract.ts';
import { type Access, AUTH_VARIABLE, type Host } from '../../settings/access.ts';
import type { Clock } from '../../util/clock.ts';
import { duration } from '../../util/duration.ts';
import type { LogFunction } from '../../util/log-level.ts';
import { BackOff, pauseMs, sleep } from '../back-off.ts';
import { actionOn, ERROR_CLASSES } from '../error-policy.ts';
import { isRequestError, RequestError, requestError, UnreachableError } from '../errors.ts';
import type { AnsweredHandshake } from '../lease/lease.ts';
import { type Lookup, otherWaysTo } from './addresses.ts';
import { attemptMs, MIN_ATTEMPT_MS } from './attempts.ts';
import { Connection, type EndReason, type Handshake } from './connection.ts';
import { readCredentials } from './credentials.ts';
import { PASSWORD_BYTES } from './decode.ts';
import { HostFailures } from './host-failures.ts';
import { HostRotation, hostName } from './host-rotation.ts';
import { KeepAlive } from './keep-alive.ts';
import { RequestNumbers } from './request-numbers.ts';
import { type Answer, Requester, type Watch } from './requester.ts';
import { requestOf } from './requests.ts';
import { openSocket } from './sockets.ts';

export interface SessionOptions extends Access {
  /** The session timeout to ask for; milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: LogFunction;
  /** Take over a session that exists, instead of making a new one: to end it, as the reaper does. */
  readonly resume?: { readonly id: Buffer; readonly password: Buffer };
  readonly random?: () => number;
  readonly openSocket?: typeof openSocket;
  readonly lookup?: Lookup;
}

/** A connection on which the session is attached: its handshake was answered, by whatever server. */
export interface Attachment extends AnsweredHandshake {
  /** host:port */
  readonly server: string;
}

interface SessionEvents {
  /** A socket stands; nothing has been said on it. */
  connected: [];
  attached: [Attachment];
  detached: [{ readonly reason: string }];
  /** Said once. `silence`: our own verdict, T after the last word from any server. */
  expired: [{ readonly message: string; readonly by: 'server' | 'silence' }];
  /** Closed or abandoned by ourselves: nothing else is said any more. */
  abandoned: [];
}

type Stage = 'new' | 'alive' | 'over';

const ID_BYTES = 8;

export class Session extends Requester<SessionEvents> {
  readonly #options: SessionOptions;
  readonly #hosts: HostRotation;
  #stage: Stage = 'new';
  #id: Buffer = Buffer.alloc(ID_BYTES);
  #password: Buffer = Buffer.alloc(PASSWORD_BYTES);
  readonly #lastZxid: Buffer = Buffer.alloc(8);
  /** The smallest T granted so far, and before that what is wanted: what is asked for. */
  #timeoutMs: number;
  #connection: Connection | null = null;
  #attachment: Attachment | null = null;
  /** Attachments so far. */
  #attachments = 0;
  readonly #numbers: RequestNumbers;
  #heardAt = 0;
  /** Last heard by more than a handshake. */
  #answeredAt = 0;
  /** When it was attached last. */
  #attachedAt = 0;
  /** Of attachments: the next one is tried at once only after one that served. */
  readonly #backOff: BackOff;
  readonly #keepAlive: KeepAlive;
  /** Of requests written and answers read so far: see Confirmation. */
  #events = 0;
  /** The end that was asked for: true when there is sense in asking again. null: not asked for. */
  #ending: Promise<boolean> | null = null;
  #hasEnded = false;

  constructor(options: SessionOptions) {
    super(options);
    this.#options = options;
    this.#timeoutMs = options.timeoutMs;
    this.#id = options.resume?.id ?? this.#id;
    this.#password = options.resume?.password ?? this.#password;
    this.#numbers = options.resume ? RequestNumbers.ofReaper() : RequestNumbers.ofOwner();
    this.#keepAlive = new KeepAlive({
      clock: options.clock,
      timeoutMs: () => this.#timeoutMs,
      heardAt: () => this.#heardAt,
      ping: () => this.#connection?.ping(),
      onSilence: (silenceMs) =>
        this.reattach(`nothing heard from the server for ${(silenceMs / 1000).toFixed(1)} s`),
    });
    const { random } = options;
    this.#backOff = new BackOff({ sessionTimeoutMs: () => this.#timeoutMs, random });
    this.#hosts = new HostRotation(options.hosts, random ?? Math.random);
  }

  // ---- The life of the session ----

  /**
   * One try at a new session, over all hosts as often as `boundMs` allows. Resolves when the first
   * handshake was answered; rejects with UnreachableError, or with a RequestError when it was
   * closed meanwhile.
   */
  async connect(boundMs: number): Promise<void> {
    if (this.#stage !== 'new') throw new Error('a session connects once');
    this.#stage = 'alive';
    const failures = new HostFailures();
    const until = this.#options.clock.now() + boundMs;
    const attached = await this.#attach(until, failures);
    if (attached) return;
    if (this.#isOver()) throw requestError('CONNECTION_LOSS', 'closed while connecting');
    this.#stage = 'over';
    throw new UnreachableError(failures.of(this.#options.hosts));
  }

  /**
   * Ends the session at the server, which deletes its nodes. True when the server said so. In any
   * case nothing of it is left in this process afterwards, after `boundMs` at the latest.
   */
  async close(boundMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const until = clock.now() + boundMs;
    let isToAsk = (await this.#ending) ?? (this.#stage === 'alive' && this.#mayExist);
    while (isToAsk && (await this.whenAttached(until - clock.now()))) {
      this.askForEnd(Math.max(1, until - clock.now()));
      isToAsk = (await this.#ending) === true;
    }
    this.abandon();
    return this.hasEnded || this.id === 0n;
  }

  /**
   * Asks for the end behind what was sent last, without waiting for that: a server takes the requests
   * of a session in order. Nothing is to be asked behind it. `close` waits for the answer, which is
   * given up after `boundMs`.
   */
  askForEnd(boundMs: number): void {
    this.#ending = this.#end(boundMs);
  }

  /** At a server: it was made, or a handshake that would make it is not answered yet. */
  get #mayExist(): boolean {
    return this.id !== 0n || this.#connection?.isShakingHands === true;
  }

  /** The server said so, because we had asked for it. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Sends nothing more, not even the end: the session is left to its timeout. */
  abandon(): void {
    this.#stage = 'over';
    this.#attachment = null;
    this.#keepAlive.stop();
    this.#connection?.end('abandoned');
    this.#connection = null;
    this.emit('abandoned');
    this.removeAllListeners();
  }

  /** Drops the connection and attaches anew, to another host where there is one. */
  reattach(reason: string): void {
    if (this.#stage !== 'alive') return;
    this.#hosts.avoid(this.#attachment?.server ?? null);
    this.#connection?.end(reason);
  }

  get isAttached(): boolean {
    return this.#attachment !== null && this.#connection?.isAttached === true;
  }

  get attached(): Attachment | null {
    return this.#attachment;
  }

  /** The id as nodes carry it in `ephemeralOwner`; 0 before there is one. */
  get id(): bigint {
    return this.#id.readBigUInt64BE();
  }

  /** null before the first handshake. */
  get info(): SessionInfo | null {
    if (this.id === 0n) return null;
    return {
      server: this.#attachment?.server ?? '',
      timeoutMs: this.#attachment?.timeoutMs ?? this.#timeoutMs,
    };
  }

  /** For the reaper only: never to be logged. null before there is a session to end. */
  credentials(): { readonly id: Buffer; readonly password: Buffer } | null {
    return this.id === 0n ? null : { id: this.#id, password: this.#password };
  }

  /** True once attached; false when `boundMs` is over before, or the session is. */
  async whenAttached(boundMs: number): Promise<boolean> {
    if (this.#isOver() || boundMs <= 0) return false;
    if (this.isAttached) return true;
    const { clock } = this.#options;
    return await new Promise<boolean>((resolve) => {
      const settle = (isAttached: boolean) => {
        clock.clearTimeout(timer);
        this.off('attached', onAttached);
        this.off('expired', onOver);
        this.off('abandoned', onOver);
        resolve(isAttached);
      };
      const onAttached = () => settle(true);
      const onOver = () => settle(false);
      const timer = clock.setTimeout(onOver, boundMs);
      this.on('attached', onAttached);
      this.on('expired', onOver);
      this.on('abandoned', onOver);
    });
  }

  // ---- Attaching ----

  /** Tries hosts until one takes the session, `until` is reached (null: no bound), or it is over. */
  async #attach(until: number | null, failures = new HostFailures()): Promise<boolean> {
    const { log } = this.#options;
    let slowRounds = 0;
    for (let round = 0; !this.#isOver(); round += 1) {
      let isRefused = true;
      let isLate = false;
      for (const host of this.#hosts.round()) {
        if (this.#left(until) < MIN_ATTEMPT_MS) return false;
        const failure = await this.#attachToAny(host, until, slowRounds, failures);
        if (failure === null) return true;
        if (this.#isOver()) return false;
        failures.add(host, failure);
        isRefused &&= failure.kind === 'refused';
        isLate ||= failure.kind === 'late';
        if (this.#isSilentTooLong(until)) return false;
      }
      if (isLate) slowRounds += 1;
      // While there is a session to save, somebody may still put it right.
      if (isRefused && until !== null) return false;
      log(round === 0 && until !== null ? 'info' : 'debug', `no server reached yet (${failures})`);
      // Time for one more attempt is left behind the pause.
      const pauseBoundMs = this.#left(until) - MIN_ATTEMPT_MS;
      if (pauseBoundMs < MIN_ATTEMPT_MS) return false;
      await this.#pause(round, pauseBoundMs);
    }
    return false;
  }

  /** By its name, and where that has not led to one that serves, at each of its addresses. */
  async #attachToAny(
    server: Host,
    until: number | null,
    slowRounds: number,
    failures: HostFailures,
  ): Promise<EndReason | null> {
    const { clock, lookup, hosts } = this.#options;
    const share = { hosts: hosts.length, timeoutMs: this.#timeoutMs, slowRounds };
    const deadline = () => Math.min(this.#left(until), attemptMs(share));
    const isTooLate = () => this.#isOver() || this.#left(until) < MIN_ATTEMPT_MS;
    const failure = await this.#attachTo(server, deadline());
    if (failure === null || isTooLate()) return failure;
    for (const way of await otherWaysTo(server, { clock, lookup, boundMs: deadline() })) {
      if (isTooLate()) break;
      const another = await this.#attachTo(way, deadline());
      if (another === null) return null;
      failures.add(server, another);
    }
    return failure;
  }

  /** Milliseconds; negative when it is over. */
  #left(until: number | null): number {
    return (until ?? Number.POSITIVE_INFINITY) - this.#options.clock.now();
  }

  /** null when the session is attached; else what went wrong. */
  async #attachTo(server: Host, deadlineMs: number): Promise<EndReason | null> {
    const { auth, tls } = this.#options;
    return await new Promise<EndReason | null>((resolve) => {
      const connection = new Connection({
        sessionId: this.#id,
        password: this.#password,
        lastZxid: this.#lastZxid,
        numbers: this.#numbers,
        timeoutMs: this.#timeoutMs,
        chroot: this.#options.chroot,
        handshakeDeadlineMs: deadlineMs,
        clock: this.#options.clock,
        openSocket: () => (this.#options.openSocket ?? openSocket)(server, tls),
        credentials: () => (auth === null ? null : readCredentials(auth)),
        log: this.#options.log,
        onConnected: () => this.emit('connected'),
        onHeard: () => {
          this.#heardAt = this.#options.clock.now();
        },
        onUnderstood: () => {
          this.#answeredAt = this.#heardAt;
        },
        onAttached: (handshake) => {
          this.#onAttached(hostName(server), handshake);
          resolve(null);
        },
        onEnded: (reason) => {
          const wasAttached = this.#attachment !== null && connection === this.#connection;
          if (wasAttached) this.#onDetached(reason);
          else if (reason.kind === 'expired') this.#expire(reason.message, 'server');
          resolve(reason);
        },
      });
      this.#connection = connection;
      connection.connect();
    });
  }

  #onAttached(server: string, { sessionId, password, sentAt, timeoutMs }: Handshake): void {
    this.#id = sessionId;
    this.#password = password;
    const isFirst = this.#answeredAt === 0;
    // Servers have a smallest one, which may be longer than what was asked for.
    this.#timeoutMs = isFirst ? timeoutMs : Math.min(this.#timeoutMs, timeoutMs);
    this.#attachments += 1;
    this.#attachment = {
      server,
      number: this.#attachments,
      handshakeSentAt: sentAt,
      timeoutMs,
    };
    this.#attachedAt = this.#options.clock.now();
    if (isFirst) this.#answeredAt = this.#attachedAt;
    this.#keepAlive.start();
    this.emit('attached', this.#attachment);
  }

  #onDetached({ kind, message }: EndReason): void {
    this.#attachment = null;
    this.#keepAlive.stop();
    if (this.#isOver()) return;
    if (kind === 'expired') return this.#expire(message, 'server');
    if (this.#options.clock.now() >= this.#answeredAt + this.#timeoutMs) {
      const words = 'servers take the session, but answer nothing';
      return this.#expire(words, 'silence');
    }
    this.emit('detached', { reason: message });
    void this.#attachAgain();
  }

  /** At once, but not repeatedly where servers hang up soon after each handshake or answer. */
  async #attachAgain(): Promise<void> {
    const servedMs = Math.max(0, this.#answeredAt - this.#attachedAt);
    const pause = this.#backOff.nextMs(servedMs);
    if (pause > 0) await sleep(this.#options.clock, pause);
    await this.#attach(null);
  }

  #expire(message: string, by: 'server' | 'silence'): void {
    if (this.#isOver()) return;
    // The answer to our wish may be lost, and the session has ended all the same.
    if (by === 'server' && this.#ending !== null) return this.#ended();
    this.#stage = 'over';
    this.#attachment = null;
    this.emit('expired', { message, by });
  }

  #isSilentTooLong(until: number | null): boolean {
    if (until !== null || this.#options.clock.now() < this.#heardAt + this.#timeoutMs) return false;
    const words = `no server was heard for the session timeout of ${duration(this.#timeoutMs)}`;
    this.#expire(words, 'silence');
    return true;
  }

  async #pause(round: number, boundMs = Number.POSITIVE_INFINITY): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    await sleep(clock, Math.min(pauseMs(round, this.#timeoutMs, random()), boundMs));
  }

  /** A call, so that the compiler does not take the stage for what it was before an await. */
  #isOver(): boolean {
    return this.#stage === 'over';
  }

  // ---- Requests ----

  async #end(boundMs: number): Promise<boolean> {
    try {
      await this.ask(requestOf('CLOSE_SESSION', null), '', undefined, boundMs);
      this.#ended();
      return false;
    } catch (error) {
      if (!isRequestError(error)) throw error;
      // A clock that is a little behind the timer's would ask again what is being answered.
      if (error.code === 'TIMEOUT') return false;
      const action = actionOn(error, 'closing');
      if (action === 'reattach') this.reattach(error.message);
      if (action === 'retry') await this.#pause(1);
      return action !== 'giveUp';
    }
  }

  #ended(): void {
    this.#hasEnded = true;
    this.abandon();
  }

  protected override ask(
    request: Request,
    path: string,
    watch?: Watch,
    deadlineMs = (this.#timeoutMs * 2) / 3,
  ): Promise<Answer> {
    const { clock } = this.#options;
    const connection = this.#connection;
    const attachment = this.#attachment;
    return new Promise<Answer>((resolve, reject) => {
      if (connection === null || attachment === null || !this.isAttached) {
        // Not at once: whoever asks again in answer to that would never let the socket have a turn.
        setImmediate(() => reject(requestError('CONNECTION_LOSS', path)));
        return;
      }
      const timer = clock.setTimeout(() => reject(requestError('TIMEOUT', path)), deadlineMs);
      const sentAt = clock.now();
      this.#keepAlive.sent(sentAt);
      this.#events += 1;
      const sent = this.#events;
      connection.queue(request, (error, response) => {
        clock.clearTimeout(timer);
        const body = response?.body ?? null;
        if (error !== null || response === undefined || body === null) {
          this.#noteVerdict(connection, error);
          reject(isRequestError(error) ? this.inWords(error, path) : error);
          return;
        }
        // Before the next frame is read: it may be the watch's event.
        if (watch) this.#register(connection, path, watch);
        this.#events += 1;
        const order = { sent, answered: this.#events };
        const { number } = attachment;
        const { header } = response;
        const times = { sentAt, answeredAt: this.#heardAt };
        resolve({ header, body, attachment: number, ...times, order });
      });
    });
  }

  protected override inWords(error: RequestError, path: string): RequestError {
    const { code, number, isCommitted } = error;
    if (code !== 'NO_AUTH') return new RequestError(number, path, '', isCommitted);
    const { auth } = this.#options;
    // Digest authentication itself takes any password: a wrong one makes another identity.
    const whose = auth?.kind === 'file' ? auth.path : AUTH_VARIABLE;
    const more =
      auth === null ? ' (no --auth-file was given)' : ` for the user and password in ${whose}`;
    return new RequestError(number, path, more, isCommitted);
  }

  /**
   * A server may say in answer to a request that the session or the connection is over. The error policy
   * relies on the end of the connection then, which is a no-op where it has ended already.
   */
  #noteVerdict(connection: Connection, error: Error | null): void {
    if (!isRequestError(error) || ERROR_CLASSES[error.code] !== 'disconnected') return;
    if (error.code === 'SESSION_EXPIRED') {
      connection.end('the server says that the session expired', 'expired');
    } else if (error.code === 'AUTH_REQUIRED') {
      // It closes the connection, and would again.
      connection.end('the server requires authentication', 'expired');
    } else {
      connection.end(`the server says: ${error.message}`);
    }
  }

  #register(connection: Connection, path: string, { kind, onChange }: Watch): void {
    connection.watches.add(kind, path, (change) => {
      // Not from within the socket's handler, which takes an exception for a protocol error.
      queueMicrotask(() => {
        if (connection === this.#connection && this.isAttached) onChange(change);
      });
    });
  }
}
