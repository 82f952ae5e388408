/**
 * Checks requests at the leader and turns changes into transactions (`PrepRequestProcessor`). A
 * request is checked against its session and owner; it is no touch.
 */
import type { SimulatedProcess } from '../../kernel/process.ts';
import { Worker } from '../../kernel/worker.ts';
import type { SimpleChange, TransactionHeader } from '../tree/transaction.ts';
import type { VersionTraits } from '../version.ts';
import { Code, KeeperFault, Op } from '../wire/codes.ts';
import { JuteInput } from '../wire/jute.ts';
import { decodeChange, decodeMulti } from '../wire/requests.ts';
import { ChangePreparer } from './change-preparer.ts';
import type { OutstandingChanges } from './outstanding-changes.ts';
import type { ServerRequest } from './request.ts';
import type { SessionTracker } from './session-tracker.ts';

export interface PrepProcessorOptions {
  readonly process: SimulatedProcess;
  readonly changes: OutstandingChanges;
  readonly sessions: SessionTracker;
  readonly traits: VersionTraits;
  readonly nextZxid: () => number;
  /** `ProposalRequestProcessor` */
  readonly next: (request: ServerRequest) => void;
}

export class PrepProcessor {
  readonly #options: PrepProcessorOptions;
  readonly #preparer: ChangePreparer;
  readonly #worker: Worker<ServerRequest>;

  constructor(options: PrepProcessorOptions) {
    this.#options = options;
    this.#preparer = new ChangePreparer(options.changes, options.sessions);
    this.#worker = new Worker(options.process, (request) => this.#handle(request));
  }

  process(request: ServerRequest): void {
    this.#worker.push(request);
  }

  stall(ms: number): void {
    this.#worker.stall(ms);
  }

  stop(): void {
    this.#worker.stop();
  }

  #handle(request: ServerRequest): void {
    if (!request.isThrottled) {
      try {
        this.#prepare(request);
      } catch (fault) {
        this.#refuse(request, fault);
      }
    }
    this.#options.next(request);
  }

  /** A change that is refused is a transaction as well: an `ErrorTxn`. */
  #refuse(request: ServerRequest, fault: unknown): void {
    const isKnown = fault instanceof KeeperFault || fault instanceof RangeError;
    if (!isKnown) throw fault;
    const code = fault instanceof KeeperFault ? fault.code : Code.marshallingError;
    if (request.header !== null) {
      request.header = { ...request.header, op: Op.error };
      request.change = { op: Op.error, err: code };
    }
    request.fault = code;
  }

  #prepare(request: ServerRequest): void {
    const { sessions } = this.#options;
    switch (request.op) {
      case Op.create2:
      case Op.create:
      case Op.delete:
      case Op.setData:
      case Op.setAcl:
      case Op.check: {
        const header = this.#newHeader(request);
        const change = decodeChange(request.op, new JuteInput(request.body));
        request.change = this.#preparer.prepare(change, request, header);
        return;
      }
      case Op.multi:
        return this.#prepareMulti(request);
      case Op.createSession:
        this.#newHeader(request);
        request.change = { op: Op.createSession, timeoutMs: request.timeoutMs };
        sessions.track(request.session, request.timeoutMs);
        return sessions.setOwner(request.session, request.owner);
      case Op.closeSession:
        return this.#prepareClose(request);
      default:
        sessions.check(request.session, request.owner);
    }
  }

  #newHeader(request: ServerRequest): TransactionHeader {
    const { session, cxid, op } = request;
    const time = Math.floor(this.#options.process.host.wallTime());
    request.header = { session, cxid, op, time, zxid: this.#options.nextZxid() };
    return request.header;
  }

  #prepareMulti(request: ServerRequest): void {
    const header = this.#newHeader(request);
    const { transactionsKeepCreate2 } = this.#options.traits;
    const operations = decodeMulti(request.body).map((operation) =>
      operation.op === Op.create2 && !transactionsKeepCreate2
        ? { ...operation, op: Op.create }
        : operation,
    );
    const backup = this.#options.changes.backup(operations.map(({ path }) => path));
    const changes: SimpleChange[] = [];
    for (const operation of operations) {
      if (request.fault !== null) {
        changes.push({ op: Op.error, err: Code.runtimeInconsistency });
        continue;
      }
      try {
        changes.push(this.#preparer.prepare(operation, request, header));
      } catch (fault) {
        if (!(fault instanceof KeeperFault)) throw fault;
        request.fault = fault.code;
        changes.push({ op: Op.error, err: fault.code });
        this.#options.changes.rollBack(header.zxid, backup);
      }
    }
    request.change = { op: Op.multi, changes };
  }

  /**
   * The owner is not checked: the tracker may close a session, and so may a connection that the
   * session has moved away from.
   */
  #prepareClose(request: ServerRequest): void {
    const { changes, sessions } = this.#options;
    const { zxid } = this.#newHeader(request);
    const paths = changes.ephemeralsOf(request.session);
    for (const path of paths) changes.add({ zxid, path, stat: null, acl: [], childCount: 0 });
    request.change = { op: Op.closeSession, paths };
    sessions.setClosing(request.session);
  }
}
