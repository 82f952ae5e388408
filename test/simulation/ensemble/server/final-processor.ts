/** Applies what is committed, and answers clients of this server (`FinalRequestProcessor`). */
import type { Applied, Database } from '../tree/database.ts';
import type { VersionTraits } from '../version.ts';
import { type AnswerBody, EMPTY } from '../wire/answers.ts';
import { Code, KeeperFault, Op, Xid } from '../wire/codes.ts';
import { answerRead } from './reads.ts';
import type { ServerRequest } from './request.ts';

export interface FinalProcessorOptions {
  readonly database: Database;
  readonly traits: VersionTraits;
  /** `ZooKeeperServer.processTxnForSessionEvents`, and what else follows from a change. */
  readonly onApplied: (request: ServerRequest) => void;
  /** The request has a connection, and left the server's pipeline. */
  readonly onFinished: (request: ServerRequest) => void;
  readonly finishHandshake: (request: ServerRequest) => void;
}

export class FinalProcessor {
  readonly #options: FinalProcessorOptions;

  constructor(options: FinalProcessorOptions) {
    this.#options = options;
  }

  process(request: ServerRequest): void {
    const { onApplied, onFinished } = this.#options;
    const applied = request.isThrottled ? null : this.#apply(request);
    onApplied(request);
    const { connection } = request;
    if (connection === null) return;
    onFinished(request);
    try {
      this.#answer(request, applied);
    } catch (fault) {
      if (fault instanceof RangeError) return this.#refuse(request, Code.marshallingError);
      if (!(fault instanceof KeeperFault)) throw fault;
      // The client reconnects to find its session.
      if (fault.code === Code.sessionMoved) return connection.close();
      this.#refuse(request, fault.code);
    }
  }

  #apply({ header, change }: ServerRequest): Applied | null {
    if (header === null || change === null) return null;
    return this.#options.database.apply({ header, change });
  }

  /** @throws KeeperFault */
  #answer(request: ServerRequest, applied: Applied | null): void {
    const { header, change, fault, op } = request;
    if (header?.op === Op.error) {
      throw new KeeperFault(fault ?? (change?.op === Op.error ? change.err : Code.ok));
    }
    if (fault === Code.sessionMoved) throw new KeeperFault(fault);
    if (fault !== null && op !== Op.multi) throw new KeeperFault(fault);
    if (request.isThrottled) throw new KeeperFault(Code.throttledOp);
    switch (op) {
      case Op.ping:
        return this.#reply(request, Xid.ping, null);
      case Op.createSession:
        return this.#options.finishHandshake(request);
      case Op.closeSession:
        this.#reply(request, request.cxid, null);
        return request.connection?.close();
      case Op.multi:
        return this.#answerMulti(request, applied);
      default: {
        const body = this.#bodyOf(request, applied);
        return this.#reply(request, request.cxid, body, applied?.err ?? Code.ok);
      }
    }
  }

  #bodyOf(request: ServerRequest, applied: Applied | null): AnswerBody {
    switch (request.op) {
      case Op.create:
      case Op.create2:
      case Op.delete:
      case Op.setData:
      case Op.setAcl:
      case Op.check:
        return applied?.body ?? EMPTY;
      default:
        return answerRead(request, this.#options.database, this.#options.traits);
    }
  }

  #answerMulti(request: ServerRequest, applied: Applied | null): void {
    const body = applied?.body ?? { kind: 'multi', results: [] };
    if (body.kind !== 'multi') {
      // Another request's commit, with the same session and xid: the server fails on
      // `rc.multiResult`.
      throw new KeeperFault(Code.marshallingError);
    }
    if (body.results.some(({ err }) => err === Code.sessionMoved)) {
      throw new KeeperFault(Code.sessionMoved);
    }
    this.#reply(request, request.cxid, body);
  }

  #refuse(request: ServerRequest, err: number): void {
    this.#reply(request, request.cxid, null, err);
    if (request.op === Op.closeSession) request.connection?.close();
  }

  #reply({ connection }: ServerRequest, xid: number, body: AnswerBody | null, err = 0): void {
    const zxid = this.#options.database.tree.lastProcessedZxid;
    connection?.answer({ xid, zxid, err }, body);
  }
}
