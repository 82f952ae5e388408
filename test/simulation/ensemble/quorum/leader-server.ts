/**
 * The leader's pipeline (`LeaderZooKeeperServer`): preparing, proposing, syncing to disk,
 * committing, applying.
 */

import type { ClientConnection } from '../server/client-connection.ts';
import { ClientServer, type Pipeline } from '../server/client-server.ts';
import { CommitProcessor, type CommitQueue } from '../server/commit-processor.ts';
import { OldCommitProcessor } from '../server/old-commit-processor.ts';
import { OutstandingChanges } from '../server/outstanding-changes.ts';
import { PrepProcessor } from '../server/prep-processor.ts';
import { newRequest, OWN_CLIENTS, type Owner, type ServerRequest } from '../server/request.ts';
import { SessionTracker } from '../server/session-tracker.ts';
import { SyncProcessor } from '../server/sync-processor.ts';
import { KeeperFault, Op, type SessionId } from '../wire/codes.ts';
import type { Peer } from './peer.ts';

export interface LeaderServerOptions {
  readonly peer: Peer;
  /** `makeZxid(epoch, 0)` */
  readonly firstZxid: number;
  /** `Leader.propose` */
  readonly propose: (request: ServerRequest) => void;
  /** `Leader.processAck` of its own disk. */
  readonly onSynced: (zxid: number) => void;
  /** `Leader.processSync`; true where the sync is a learner's. */
  readonly sync: (request: ServerRequest) => boolean;
  /** `ToBeAppliedRequestProcessor` */
  readonly onApplied: (zxid: number) => void;
}

export class LeaderServer implements Pipeline {
  readonly clients: ClientServer;
  readonly sessions: SessionTracker;
  readonly commits: CommitQueue;
  readonly #options: LeaderServerOptions;
  readonly #changes: OutstandingChanges;
  readonly #prep: PrepProcessor;
  readonly #sync: SyncProcessor;
  #zxid: number;

  constructor(options: LeaderServerOptions) {
    this.#options = options;
    const { process, config, database, disk, id } = options.peer;
    this.#zxid = options.firstZxid;
    database.tree.lastProcessedZxid = options.firstZxid;
    this.#changes = new OutstandingChanges(database.tree);
    this.sessions = new SessionTracker({
      ...{ process, tickMs: config.tickMs, traits: config.traits, sessions: database.sessions },
      expire: (session) => this.#expire(session),
    });
    this.clients = new ClientServer({ process, id, config, database, pipeline: this });
    const Commits = config.traits.commitsBlockAllSessions ? OldCommitProcessor : CommitProcessor;
    const next = (request: ServerRequest) => this.clients.final.process(request);
    this.commits = new Commits({ process, matchesSyncs: false, next });
    this.#sync = new SyncProcessor({
      ...{ process, disk },
      onSynced: ({ header }) => options.onSynced(header.zxid),
    });
    this.#prep = new PrepProcessor({
      ...{ process, changes: this.#changes, sessions: this.sessions, traits: config.traits },
      nextZxid: () => {
        this.#zxid += 1;
        return this.#zxid;
      },
      next: (request) => this.#propose(request),
    });
  }

  stop(): void {
    this.clients.stop();
    this.sessions.stop();
    this.#prep.stop();
    this.commits.stop();
    this.#sync.stop();
  }

  /** The thread that prepares requests gets no CPU time. */
  stallPreparation(ms: number): void {
    this.#prep.stall(ms);
  }

  // ---- Of this server's clients ----

  submit(request: ServerRequest): void {
    this.#prep.process(request);
  }

  touch(session: SessionId, timeoutMs: number): boolean {
    return this.sessions.touch(session, timeoutMs);
  }

  track(session: SessionId, timeoutMs: number): void {
    this.sessions.track(session, timeoutMs);
  }

  /** `LeaderZooKeeperServer.revalidateSession`: asks no quorum. */
  revalidate(connection: ClientConnection): void {
    const { session, timeoutMs } = connection;
    this.clients.finishHandshake(connection, this.revalidateFor(OWN_CLIENTS, session, timeoutMs));
  }

  applied({ op, session, header }: ServerRequest): void {
    if (op === Op.closeSession) this.sessions.remove(session);
    if (header === null) return;
    this.#changes.applied(header.zxid);
    this.#options.onApplied(header.zxid);
    this.#options.peer.disk.compact(this.#options.peer.database);
  }

  // ---- Of learners ----

  /** `Leader.revalidateSession`: a touch, and a new owner. Asks no quorum. */
  revalidateFor(owner: Owner, session: SessionId, timeoutMs: number): boolean {
    if (!this.sessions.touch(session, timeoutMs)) return false;
    try {
      this.sessions.setOwner(session, owner);
    } catch (fault) {
      if (!(fault instanceof KeeperFault)) throw fault;
    }
    return true;
  }

  /** `submitLearnerRequest`: checked against the session by the preparation, which is no touch. */
  submitForwarded(request: ServerRequest): void {
    this.#prep.process(request);
  }

  /** `ProposalRequestProcessor` */
  #propose(request: ServerRequest): void {
    if (request.op === Op.sync && this.#options.sync(request)) return;
    this.commits.process(request);
    const { header, change } = request;
    if (header === null || change === null) return;
    this.#options.propose(request);
    this.#sync.process({ header, change });
  }

  #expire(session: SessionId): void {
    const { simulation, name } = this.#options.peer.process;
    simulation.trace.note(simulation.now, name, 'expired', 0, session);
    this.clients.submit(newRequest({ session, cxid: 0, op: Op.closeSession }));
  }
}
