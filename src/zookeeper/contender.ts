/**
 * The ZooKeeper actor: obeys the machine's commands, drives a session, a recipe and a lease, and
 * says what happened. It decides nothing about the command; it never touches a process.
 *
 * One session at a time. Whatever an older one still has to say is not listened to.
 */

import type {
  GrantInfo,
  LastRun,
  LossCause,
  ZookeeperCommand,
  ZookeeperEvent,
} from '../../machines/contract.ts';
import { randomHex } from '../util/random.ts';
import { PacedTries } from './back-off.ts';
import type { ContenderOptions } from './contender-options.ts';
import { errorPhaseOf, grantedAt, type Phase } from './contender-phase.ts';
import { CLOSE_MS, recordSuccess, releaseLock } from './ending.ts';
import { actionOn, type ErrorPhase } from './error-policy.ts';
import { isRequestError, UnreachableError } from './errors.ts';
import { known } from './known.ts';
import { LeaseKeeper } from './lease/lease-keeper.ts';
import { OwnNode } from './own-node.ts';
import type { Position } from './recipes/recipe.ts';
import { RecipeRunner } from './recipes/recipe-runner.ts';
import { readLastRun } from './recipes/run-record.ts';
import { Retries } from './retries.ts';
import { run } from './run-task.ts';
import type { Attachment, Session } from './session/session.ts';

export class Contender {
  readonly #options: ContenderOptions;
  #session: Session | null = null;
  #keeper: LeaseKeeper | null = null;
  #queueing: RecipeRunner | null = null;
  #phase: Phase = { name: 'idle' };
  #suspended = false;
  #ownNode: OwnNode | null = null;
  /** Of questions about our own node. */
  readonly #retries: Retries;
  /** To connect: sessions that end soon are not followed by others without a pause. */
  readonly #tries: PacedTries;

  constructor(options: ContenderOptions) {
    this.#options = options;
    this.#retries = new Retries({
      clock: options.clock,
      sessionTimeoutMs: () => this.#session?.info?.timeoutMs ?? 0,
    });
    const { clock, connectTimeoutMs } = options;
    this.#tries = new PacedTries({ clock, sessionTimeoutMs: () => connectTimeoutMs });
  }

  send(command: ZookeeperCommand): void {
    switch (command.type) {
      case 'session.connect':
        return run(this.#connect());
      case 'lock.join':
        return this.#join(command.blocking);
      case 'lock.confirm':
        return this.#confirm();
      case 'run.record':
        return run(this.#record());
      case 'lock.release':
        return run(this.#release());
      case 'session.abandon':
        return this.#abandon();
      case 'session.close':
        return run(this.#close());
    }
  }

  /** The last resort: nothing is left behind in this process, nothing is told to the server. */
  dispose(): void {
    this.#abandon();
  }

  /** Session id and password, for the reaper only: never to be logged; null without a session. */
  credentials(): { readonly id: Buffer; readonly password: Buffer } | null {
    return this.#session?.credentials() ?? null;
  }

  // ---- The session ----

  async #connect(): Promise<void> {
    // After a loss the old session may still stand, with our node in it. Its command is dead.
    void this.#session?.close(CLOSE_MS);
    this.#session = null;
    this.#keeper?.letGo();
    this.#queueing?.leave();
    this.#phase = { name: 'idle' };
    const pause = this.#tries.next();
    if (pause !== null && !(await pause)) return;

    const session = this.#options.newSession();
    const keeper = this.#newKeeper(session);
    this.#session = session;
    this.#keeper = keeper;
    this.#ownNode = new OwnNode(session, (path) => {
      if (session === this.#session) this.#ownNodeChanged(path);
    });
    this.#queueing = null;
    this.#suspended = false;
    this.#listen(session, keeper);
    try {
      await session.connect(this.#options.connectTimeoutMs);
    } catch (error) {
      if (session !== this.#session) return;
      if (!(error instanceof UnreachableError)) throw error;
      this.#session = null;
      return this.#emit({ type: 'session.unreachable', hosts: error.failures });
    }
    if (session !== this.#session) return;
    const lease = known(keeper.lease);
    this.#emit({ type: 'session.established', session: known(session.info), lease });
  }

  #newKeeper(session: Session): LeaseKeeper {
    return new LeaseKeeper(session, {
      clock: this.#options.clock,
      killAfterMs: this.#options.killAfterMs,
      onRenewed: (lease) => this.#emit({ type: 'lease.renewed', lease }),
      onDoubt: (reason) => {
        this.#suspend(reason);
        session.reattach(reason);
      },
      onNodeGone: () => this.#nodeGone(),
      onEnding: ({ leaseEnd }) =>
        this.#lose('leaseEnding', 'the lease could not be proven in time', leaseEnd),
    });
  }

  #listen(session: Session, keeper: LeaseKeeper): void {
    const ifCurrent =
      <T extends unknown[]>(listener: (...args: T) => void) =>
      (...args: T) => {
        if (session === this.#session) listener(...args);
      };
    session.on(
      'attached',
      ifCurrent((attachment) => this.#attached(keeper, attachment)),
    );
    session.on(
      'detached',
      ifCurrent(({ reason }) => {
        keeper.detached();
        this.#retries.cancel(); // The next attachment asks anew.
        const phase = this.#phase;
        // A re-attachment of our own making is no outage; #confirm bounds it.
        const isOurDoing = phase.name === 'granted' && phase.proving;
        if (phase.name !== 'idle' && !isOurDoing) this.#suspend(reason);
      }),
    );
    session.on(
      'expired',
      ifCurrent(({ message, by }) =>
        this.#lose(by === 'server' ? 'expired' : 'silence', message, null),
      ),
    );
  }

  #attached(keeper: LeaseKeeper, attachment: Attachment): void {
    keeper.attached(attachment);
    this.#proceedOn(keeper, attachment);
  }

  /**
   * The answered handshake moves nothing by itself: see lease.ts (b). What we are at goes on once the
   * leader has confirmed a request on this attachment.
   */
  #proceedOn(keeper: LeaseKeeper, attachment: Attachment): void {
    const phase = this.#phase;
    switch (phase.name) {
      case 'idle':
      case 'over':
        return;
      case 'queued':
        return run(this.#resumeWaiting(keeper, attachment));
      case 'granted':
        if (!phase.proving) return run(this.#resumeWaiting(keeper, attachment));
        this.#phase = grantedAt(phase.path);
        return run(this.#confirmGrant(phase.path));
      case 'holding':
        return run(this.#resumeHolding(keeper, phase.path, attachment));
    }
  }

  /**
   * Reconnected before a lock was held. What became of our node is seen when the queue is looked at,
   * or the grant confirmed, which follows.
   */
  async #resumeWaiting(keeper: LeaseKeeper, attachment: Attachment): Promise<void> {
    const [session, queueing] = [this.#session, this.#queueing];
    if (session === null || queueing === null) return;
    try {
      keeper.confirmed(await session.check(queueing.ownOrParentPath));
    } catch (error) {
      if (!isRequestError(error)) throw error;
      const isAnswered = error.isCommitted && actionOn(error, 'rejoining') === 'answered';
      if (!isAnswered) return this.#troubleOnOwnNode(session, error);
    }
    const isWaiting = this.#phase.name === 'queued' || this.#phase.name === 'granted';
    if (session.attached === attachment && isWaiting) this.#resume();
  }

  /** Reconnected with the lock: still ours only if the leader says that our node stands. */
  async #resumeHolding(keeper: LeaseKeeper, path: string, attachment: Attachment): Promise<void> {
    const [session, node] = [this.#session, this.#ownNode];
    if (session === null || node === null) return;
    try {
      // Both on their way at once; the server answers in order.
      const [confirmation, stat] = await Promise.all([session.check(path), node.look(path)]);
      if (session.attached !== attachment || this.#phase.name !== 'holding') return;
      if (stat === null || !node.isOurs(stat)) return this.#nodeGone();
      keeper.confirmed(confirmation);
      this.#resume();
    } catch (error) {
      this.#troubleOnOwnNode(session, error);
    }
  }

  #suspend(reason: string): void {
    if (this.#suspended || this.#phase.name === 'over') return;
    this.#suspended = true;
    // The machine asks for the confirmation anew when it has heard that the session is back.
    if (this.#phase.name === 'granted') this.#phase = grantedAt(this.#phase.path);
    this.#emit({ type: 'session.suspended', reason });
  }

  #resume(): void {
    if (!this.#suspended || this.#phase.name === 'over' || this.#session === null) return;
    this.#suspended = false;
    // A grant is still to be confirmed: the errors on the way to that are counted on.
    if (this.#phase.name !== 'granted') this.#retries.reset();
    this.#emit({ type: 'session.resumed', session: known(this.#session.info) });
  }

  #lose(cause: LossCause, message: string, leaseEnd: number | null): void {
    this.#phase = { name: 'over' };
    this.#keeper?.letGo();
    // Also when it was over: whoever releases or closes has to know that there is nothing to wait for.
    this.#emit({ type: 'session.lost', loss: { cause, message, leaseEnd } });
  }

  #nodeGone(): void {
    // Our own release deletes it as well.
    if (this.#phase.name !== 'granted' && this.#phase.name !== 'holding') return;
    this.#lose('nodeGone', 'our node is gone: somebody deleted it, or the session ended', null);
  }

  // ---- The queue ----

  #join(blocking: boolean): void {
    const session = this.#session;
    if (session === null || this.#phase.name === 'over') return;
    this.#queueing ??= new RecipeRunner(this.#options.newRecipe(session, randomHex(16)), {
      clock: this.#options.clock,
      isAttached: () => session.isAttached,
      onStanding: (standing) => this.#stands(standing),
      onSuspect: (reason) => session.reattach(reason),
      sessionTimeoutMs: () => known(session.info).timeoutMs,
    });
    this.#phase = { name: 'queued' };
    if (!session.isAttached) return this.#suspend('the connection ended before the queue');
    run(this.#queueing.join(blocking));
  }

  #stands(standing: Position): void {
    if (this.#phase.name !== 'queued' || this.#suspended) return;
    switch (standing.kind) {
      case 'granted':
        return this.#granted(standing.path, standing.createdZxid);
      case 'refused':
        return this.#emit({ type: 'lock.refused', message: standing.message });
      case 'queued':
        if (standing.next !== null) run(this.#prepare(standing.next));
        return this.#emit({ type: 'lock.queued', queue: standing.queue });
    }
  }

  // ---- The lock ----

  /** Where there is nothing left to prove, it is confirmed at once. */
  #granted(path: string, createdZxid: bigint | null): void {
    const keeper = this.#keeper;
    this.#queueing?.leave();
    this.#phase = grantedAt(path);
    const czxid = keeper?.isFresh ? this.#knownNode(path, createdZxid) : null;
    if (keeper === null || czxid === null) return this.#emit({ type: 'lock.granted' });
    this.#hold(keeper, path, czxid, null);
  }

  #confirm(): void {
    const phase = this.#phase;
    const [session, keeper] = [this.#session, this.#keeper];
    const held = phase.name === 'granted' || phase.name === 'holding';
    if (!held || session === null || keeper === null || !session.isAttached) return;
    const { path } = phase;
    if (keeper.isFreshOnceConfirmed) {
      this.#phase = grantedAt(path);
      return run(this.#confirmGrant(path));
    }
    // The quickest proof is a handshake; it also leaves a follower behind that was cut off.
    const proving: Phase = { name: 'granted', path, proving: true };
    this.#phase = proving;
    this.#options.clock.setTimeout(() => {
      if (this.#phase === proving) this.#suspend('no server to prove the lease with');
    }, known(session.info).timeoutMs / 8);
    session.reattach('to prove the lease');
  }

  /**
   * The transaction that made our node, where that is known and nothing new could be learnt by asking.
   * The lease proves that the session lives at the leader, and with it every ephemeral node of it that
   * was not deleted. Ours was either made a moment ago, by a write that the leader has committed; or
   * it was seen, as the same server applied it, and is being watched there: a deletion before that of
   * our predecessor would have been notified first.
   */
  #knownNode(path: string, createdZxid: bigint | null): bigint | null {
    if (this.#options.runRecord !== null || !this.#session?.isAttached) return null;
    const seen = this.#ownNode?.seen(path) ?? null;
    if (seen !== null) return seen;
    if (createdZxid !== null) run(this.#lookAtOwnNode(path));
    return createdZxid;
  }

  /** Next in line: sees to it that a grant need not ask for anything. */
  async #prepare(path: string): Promise<void> {
    const [session, keeper, node] = [this.#session, this.#keeper, this.#ownNode];
    if (session === null || keeper === null || node === null || !session.isAttached) return;
    keeper.prepare(path);
    if (node.seen(path) !== null) return;
    try {
      if ((await node.look(path)) === null && session === this.#session) this.#lookAtQueue();
    } catch (error) {
      if (!isRequestError(error)) throw error;
      const isSuspect = actionOn(error, 'preparing') === 'reattach';
      // Else the grant asks.
      if (isSuspect && session === this.#session && this.#phase.name === 'queued') {
        session.reattach(error.message);
      }
    }
  }

  #hold(keeper: LeaseKeeper, path: string, czxid: bigint, lastRun: LastRun | null): void {
    this.#phase = { name: 'holding', path };
    this.#retries.reset();
    keeper.hold(path);
    const grant: GrantInfo = { path, fencingToken: czxid.toString() };
    this.#emit({ type: 'lock.confirmed', grant, lease: known(keeper.lease), lastRun });
  }

  async #confirmGrant(path: string): Promise<void> {
    const [session, keeper, node] = [this.#session, this.#keeper, this.#ownNode];
    if (session === null || keeper === null || node === null) return;
    const attachment = session.attached;
    try {
      const { runRecord } = this.#options;
      const [lastRun, confirmation, stat] = await Promise.all([
        runRecord && readLastRun(session, runRecord, path),
        session.check(path),
        node.look(path),
      ]);
      // On another attachment, that one's confirmation is asked for.
      if (session !== this.#session || session.attached !== attachment) return;
      if (this.#phase.name !== 'granted' || this.#suspended) return;
      if (stat === null || !node.isOurs(stat)) return this.#nodeGone();
      keeper.confirmed(confirmation);
      // Slow answers may have left nothing of the lease.
      if (!keeper.isHoldable) return this.#confirm();
      this.#hold(keeper, path, stat.czxid, lastRun);
    } catch (error) {
      this.#troubleOnOwnNode(session, error);
    }
  }

  #ownNodeChanged(path: string): void {
    if (this.#phase.name === 'queued') return this.#lookAtQueue();
    if (this.#phase.name !== 'granted' && this.#phase.name !== 'holding') return;
    run(this.#lookAtOwnNode(path));
  }

  /** Our node is gone, or changed: if it is gone, we stand at the end of the queue with another. */
  #lookAtQueue(): void {
    if (this.#phase.name === 'queued' && this.#queueing) run(this.#queueing.look());
  }

  async #lookAtOwnNode(path: string): Promise<void> {
    const [session, node] = [this.#session, this.#ownNode];
    if (session === null || node === null) return;
    try {
      const stat = await node.look(path);
      if (session !== this.#session) return;
      if (stat === null || !node.isOurs(stat)) this.#nodeGone();
      else if (this.#errorPhase === 'holding') this.#retries.reset();
    } catch (error) {
      this.#troubleOnOwnNode(session, error);
    }
  }

  /** Errors of an earlier session are ignored. What each means: error-policy.ts. */
  #troubleOnOwnNode(session: Session, error: unknown): void {
    if (!isRequestError(error)) throw error;
    const phase = this.#errorPhase;
    if (session !== this.#session || phase === null) return;
    const { message } = error;
    const ifStillOurs = (then: () => void) => () => {
      if (session === this.#session && this.#errorPhase !== null) then();
    };
    switch (this.#retries.next(error, phase)) {
      case 'nodeGone':
        return this.#nodeGone();
      case 'refuse':
        // Suspended, the session is of no use to us: servers take it, and fail all requests.
        if (this.#suspended) return this.#lose('silence', message, null);
        return this.#emit({ type: 'lock.refused', message });
      case 'reattach':
        return this.#retries.soon(
          ifStillOurs(() => {
            this.#suspend(message);
            session.reattach(message);
          }),
        );
      case 'retry':
      case 'answered':
        return this.#retries.afterPause(ifStillOurs(() => this.#askAgain(session)));
    }
  }

  get #errorPhase(): ErrorPhase | null {
    return errorPhaseOf(this.#phase, this.#suspended);
  }

  /** What was asked last about our own node, on the connection that stands. */
  #askAgain({ attached }: Session): void {
    const [phase, keeper] = [this.#phase, this.#keeper];
    if (attached === null || keeper === null) return;
    if (this.#suspended) return this.#proceedOn(keeper, attached);
    if (phase.name === 'granted') return this.#confirm();
    if (phase.name === 'holding') run(this.#lookAtOwnNode(phase.path));
  }

  // ---- The end ----

  /** For as long as the lock is held: the lease goes on being renewed. */
  async #record(): Promise<void> {
    const { clock, runRecord } = this.#options;
    const [session, keeper] = [this.#session, this.#keeper];
    if (session === null || keeper === null || runRecord === null) {
      return this.#emit({ type: 'run.recorded', confirmed: false, message: 'no session' });
    }
    const isHeld = () => session === this.#session && this.#phase.name === 'holding';
    const leftMs = () => (isHeld() ? known(keeper.lease).leaseEnd - clock.now() : 0);
    const recorded = await recordSuccess(session, runRecord, { clock, leftMs });
    // Else the machine has left it, or is about to: the lease ended, or a signal came.
    if (!recorded.isMade && !isHeld()) return;
    const message = recorded.isMade ? 'recorded' : recorded.reason;
    this.#emit({ type: 'run.recorded', confirmed: recorded.isMade, message });
  }

  async #release(): Promise<void> {
    const [session, queueing] = [this.#session, this.#queueing];
    this.#phase = { name: 'over' };
    this.#keeper?.letGo();
    const released =
      session === null || queueing === null
        ? { confirmed: true, message: 'nothing to release' }
        : await releaseLock(session, queueing, this.#options.clock);
    this.#emit({ type: 'lock.released', ...released });
  }

  async #close(): Promise<void> {
    this.#tries.cancel();
    const session = this.#session;
    this.#session = null;
    this.#keeper?.letGo();
    this.#phase = { name: 'over' };
    const clean = session === null ? true : await session.close(CLOSE_MS);
    this.#emit({ type: 'session.closed', clean });
  }

  #abandon(): void {
    this.#tries.cancel();
    this.#session?.abandon();
    this.#session = null;
    this.#keeper?.letGo();
    this.#phase = { name: 'over' };
    this.#queueing?.leave();
  }

  #emit(event: ZookeeperEvent): void {
    this.#options.emit(event);
  }
}
