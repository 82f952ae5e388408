/**
 * The pipeline of a follower or observer (`FollowerZooKeeperServer`, `ObserverZooKeeperServer`):
 * changes are passed on to the leader and answered when they come back committed; reads are
 * answered here.
 */
import { Worker } from '../../kernel/worker.ts';
import type { ClientConnection } from '../server/client-connection.ts';
import { ClientServer, type Pipeline } from '../server/client-server.ts';
import { CommitProcessor, type CommitQueue } from '../server/commit-processor.ts';
import { OldCommitProcessor } from '../server/old-commit-processor.ts';
import { isChange, newRequest, type ServerRequest } from '../server/request.ts';
import { SyncProcessor } from '../server/sync-processor.ts';
import { TouchTable } from '../server/touch-table.ts';
import type { Transaction } from '../tree/transaction.ts';
import { Op, type SessionId } from '../wire/codes.ts';
import { LearnerHandler } from './learner-handler.ts';
import type { QuorumPacket } from './packets.ts';
import type { Peer } from './peer.ts';

export interface LearnerServerOptions {
  readonly peer: Peer;
  /** To the leader. */
  readonly send: (packet: QuorumPacket) => void;
  readonly isObserver: boolean;
}

export class LearnerServer implements Pipeline {
  readonly clients: ClientServer;
  readonly touches: TouchTable;
  readonly #options: LearnerServerOptions;
  readonly #commits: CommitQueue;
  readonly #requests: Worker<ServerRequest>;
  readonly #sync: SyncProcessor;
  /** Proposed, not committed (`pendingTxns`). */
  readonly #proposed: Transaction[] = [];
  readonly #syncs: ServerRequest[] = [];
  /**
   * Handshakes that wait for the leader's word, by session id alone
   * (`Learner.pendingRevalidations`): the leader's answer to an earlier handshake of the session
   * completes a later one.
   */
  readonly #revalidations = new Map<SessionId, ClientConnection>();

  constructor(options: LearnerServerOptions) {
    this.#options = options;
    const { process, config, database, disk, id } = options.peer;
    this.touches = new TouchTable(process.random);
    this.clients = new ClientServer({ process, id, config, database, pipeline: this });
    const Commits = config.traits.commitsBlockAllSessions ? OldCommitProcessor : CommitProcessor;
    const next = (request: ServerRequest) => this.clients.final.process(request);
    this.#commits = new Commits({ process, matchesSyncs: true, next });
    this.#requests = new Worker(process, (request) => this.#pass(request));
    this.#sync = new SyncProcessor({
      ...{ process, disk },
      onSynced: ({ header }) => {
        if (!options.isObserver) options.send({ type: 'ack', zxid: header.zxid });
      },
    });
  }

  stop(): void {
    this.clients.stop();
    this.#requests.stop();
    this.#commits.stop();
    this.#sync.stop();
    this.#revalidations.clear();
  }

  // ---- Of this server's clients, and of observers behind it ----

  submit(request: ServerRequest): void {
    this.#requests.push(request);
  }

  /** Any session will do: the leader decides. */
  touch(session: SessionId, timeoutMs: number): boolean {
    this.touches.touch(session, timeoutMs);
    return true;
  }

  /** `LearnerSessionTracker.createSession` only numbers it. */
  track(): void {}

  revalidate(connection: ClientConnection): void {
    const { session, timeoutMs } = connection;
    this.#revalidations.set(session, connection);
    this.#options.send({ type: 'revalidate', session, timeoutMs });
  }

  applied({ op, session, change }: ServerRequest): void {
    const { peer } = this.#options;
    if (op === Op.closeSession) this.touches.remove(session);
    // `LearnerSessionTracker.commitSession`: also on servers that the client is not connected to.
    if (change?.op === Op.createSession) this.touches.touch(session, change.timeoutMs);
    peer.disk.compact(peer.database);
  }

  // ---- Of the leader ----

  propose(transaction: Transaction): void {
    this.#proposed.push(transaction);
    this.#sync.process(transaction);
  }

  commit(zxid: number): void {
    const transaction = this.#proposed[0];
    if (transaction === undefined) return;
    // The server would exit (`FollowerZooKeeperServer.commit`).
    if (transaction.header.zxid !== zxid) throw new Error('a commit of what is not next');
    this.#proposed.shift();
    this.#commits.commit(committedRequest(transaction));
  }

  /** To an observer: proposal and commit at once. */
  inform(transaction: Transaction): void {
    this.#sync.process(transaction);
    this.#commits.commit(committedRequest(transaction));
  }

  /** The leader's answer to a REVALIDATE of this server (`Learner.revalidate`). */
  revalidated(session: SessionId, isValid: boolean): void {
    const connection = this.#revalidations.get(session);
    if (connection === undefined) return;
    this.#revalidations.delete(session);
    this.clients.finishHandshake(connection, isValid);
  }

  synced(): void {
    const request = this.#syncs.shift();
    if (request === undefined) return;
    if (request.owner instanceof LearnerHandler) request.owner.send({ type: 'synced' });
    this.#commits.commit(request);
  }

  /** `FollowerRequestProcessor` */
  #pass(request: ServerRequest): void {
    this.#commits.process(request);
    if (request.isThrottled) return;
    const { session, cxid, op, body, ids, timeoutMs } = request;
    if (op === Op.sync) this.#syncs.push(request);
    else if (!isChange(op)) return;
    const forwarded = { session, cxid, op, body, ids, timeoutMs };
    this.#options.send({ type: 'request', request: forwarded });
  }
}

/** Without a connection: the commit processor looks for the request that waits for it. */
function committedRequest({ header, change }: Transaction): ServerRequest {
  const request = newRequest({ session: header.session, cxid: header.cxid, op: change.op });
  request.header = header;
  request.change = change;
  return request;
}
