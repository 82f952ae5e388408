/**
 * A server as its clients see it (`ZooKeeperServer`): handshakes, requests, answers. Where a
 * request goes from here depends on the server's role.
 */
import type { SimulatedProcess } from '../../kernel/process.ts';
import type { EnsembleConfig } from '../config.ts';
import type { Database } from '../tree/database.ts';
import { digestOf } from '../tree/permissions.ts';
import { Code, NO_SESSION, Op, type SessionId } from '../wire/codes.ts';
import { JuteInput } from '../wire/jute.ts';
import { decodeAuth, decodeConnect } from '../wire/requests.ts';
import type { ClientConnection } from './client-connection.ts';
import { FinalProcessor } from './final-processor.ts';
import { newRequest, OWN_CLIENTS, type ServerRequest } from './request.ts';
import { passwordOf, SessionIds } from './session-ids.ts';
import { Throttler } from './throttler.ts';

/** The part of a server that depends on its role. */
export interface Pipeline {
  /** The first processor. */
  submit(request: ServerRequest): void;
  /** False where the session is known to be over. */
  touch(session: SessionId, timeoutMs: number): boolean;
  /** `SessionTracker.createSession` */
  track(session: SessionId, timeoutMs: number): void;
  /** Calls `finishHandshake`, now or later. */
  revalidate(connection: ClientConnection): void;
  /** A change was applied, or there was none. */
  applied(request: ServerRequest): void;
}

export interface ClientServerOptions {
  readonly process: SimulatedProcess;
  readonly id: number;
  readonly config: EnsembleConfig;
  readonly database: Database;
  readonly pipeline: Pipeline;
}

const KNOWN: ReadonlySet<number> = new Set(Object.values(Op).filter((op) => op !== Op.error));

export class ClientServer {
  readonly final: FinalProcessor;
  readonly #options: ClientServerOptions;
  readonly #connections = new Set<ClientConnection>();
  readonly #bySession = new Map<SessionId, ClientConnection>();
  readonly #sessionIds: SessionIds;
  readonly #throttler: Throttler;
  #inProcess = 0;
  #isRunning = true;

  constructor(options: ClientServerOptions) {
    this.#options = options;
    const { process, config, database } = options;
    this.#sessionIds = new SessionIds(options.id, process.host.monotonic());
    this.final = new FinalProcessor({
      database,
      traits: config.traits,
      onApplied: (request) => this.#applied(request),
      onFinished: () => {
        this.#inProcess -= 1;
      },
      finishHandshake: ({ connection }) => connection && this.finishHandshake(connection, true),
    });
    const { maxRequests } = config.throttle;
    this.#throttler = new Throttler({
      process,
      limits: { ...config.throttle, maxRequests: config.traits.hasThrottler ? maxRequests : 0 },
      inProcess: () => this.#inProcess,
      next: (request) => this.#submitNow(request),
    });
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Closes all connections. */
  stop(): void {
    this.#isRunning = false;
    for (const connection of [...this.#connections]) connection.close();
  }

  /** `processConnectRequest` */
  connect(connection: ClientConnection, frame: Buffer): void {
    const { config, database, pipeline } = this.#options;
    this.#connections.add(connection);
    const { lastZxidSeen, timeoutMs, session, password } = decodeConnect(frame);
    if (lastZxidSeen > database.tree.lastProcessedZxid) return connection.close();
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = config;
    connection.timeoutMs = Math.min(Math.max(timeoutMs, minSessionTimeoutMs), maxSessionTimeoutMs);
    if (session === NO_SESSION) return this.#createSession(connection);
    // The connection by which the session was here before.
    this.closeConnectionOf(session);
    this.#register(connection, session);
    if (password.equals(passwordOf(session))) pipeline.revalidate(connection);
    else this.finishHandshake(connection, false);
  }

  finishHandshake(connection: ClientConnection, isValid: boolean): void {
    this.#note('handshake', isValid ? 1 : 0, connection.session);
    connection.finishHandshake(isValid ? passwordOf(connection.session) : null);
  }

  /** `processPacket`. @throws RangeError for a frame that is too short */
  receive(connection: ClientConnection, frame: Buffer): void {
    const input = new JuteInput(frame);
    const [cxid, op] = [input.int(), input.int()];
    const body = input.rest();
    if (op === Op.auth) return this.#authenticate(connection, cxid, body);
    const { session, ids } = connection;
    const fields = { connection, session, cxid, op, body: Buffer.from(body), ids: [...ids] };
    this.submit(newRequest({ ...fields, owner: OWN_CLIENTS }));
  }

  submit(request: ServerRequest): void {
    if (this.#isRunning) this.#throttler.submit(request);
  }

  /** `ServerCnxnFactory.closeSession` */
  closeConnectionOf(session: SessionId): void {
    this.#bySession.get(session)?.close();
  }

  /** `ZooKeeperServer.removeCnxn` */
  closed(connection: ClientConnection): void {
    this.#connections.delete(connection);
    if (this.#bySession.get(connection.session) === connection) {
      this.#bySession.delete(connection.session);
    }
    this.#options.database.tree.watches.remove(connection);
  }

  #createSession(connection: ClientConnection): void {
    const session = this.#sessionIds.next();
    const { timeoutMs } = connection;
    this.#options.pipeline.track(session, timeoutMs);
    this.#register(connection, session);
    this.submit(newRequest({ connection, session, cxid: 0, op: Op.createSession, timeoutMs }));
  }

  #register(connection: ClientConnection, session: SessionId): void {
    connection.session = session;
    this.#bySession.set(session, connection);
  }

  /** Requests of sessions that are over are dropped without an answer. */
  #submitNow(request: ServerRequest): void {
    const { connection } = request;
    const { pipeline } = this.#options;
    if (!this.#isRunning) return;
    if (connection !== null) {
      if (!pipeline.touch(connection.session, connection.timeoutMs)) return;
      if (!this.#isKnown(request.op)) return this.#refuseUnknown(connection, request);
      this.#inProcess += 1;
    }
    pipeline.submit(request);
  }

  /** `Request.isValid`; of what a client may send, what this model has. */
  #isKnown(op: number): boolean {
    if (op === Op.create2) return this.#options.config.traits.hasCreate2;
    return KNOWN.has(op);
  }

  /** `UnimplementedRequestProcessor` */
  #refuseUnknown(connection: ClientConnection, { cxid }: ServerRequest): void {
    connection.answer({ xid: cxid, zxid: 0, err: Code.unimplemented }, null);
    connection.close();
  }

  #applied(request: ServerRequest): void {
    this.#options.pipeline.applied(request);
    const { op, connection, session, header } = request;
    if (header !== null) this.#note('applied', header.zxid % 2 ** 31, session);
    if (op === Op.closeSession && connection === null) this.closeConnectionOf(session);
  }

  /** `DigestAuthenticationProvider.handleAuthentication`; not a request in the pipeline. */
  #authenticate(connection: ClientConnection, xid: number, body: Buffer): void {
    const { scheme, auth } = decodeAuth(body);
    if (scheme !== 'digest') {
      connection.answer({ xid, zxid: 0, err: Code.authFailed }, null);
      return connection.close();
    }
    connection.ids.push({ scheme, id: digestOf(auth) });
    connection.answer({ xid, zxid: 0, err: Code.ok }, null);
  }

  #note(what: string, number: number, detail: string): void {
    const { simulation, name } = this.#options.process;
    simulation.trace.note(simulation.now, name, what, number, detail);
  }
}
