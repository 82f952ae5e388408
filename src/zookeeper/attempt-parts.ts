/**
 * The parts of one attempt at the lock, its state, and its reports: one session and everything
 * created for it. Each event of a part is either decided here or handed to the attempt.
 */
import type { LossCause, ZookeeperEvent } from '../../machines/contract.ts';
import type { Clock } from '../util/clock.ts';
import { randomHex } from '../util/random.ts';
import {
  type AttemptEvent,
  type AttemptState,
  isGrantedOrHeld,
  isSuspended,
  nextState,
} from './attempt-state.ts';
import type { Attachment } from './client.ts';
import { LeaseKeeper } from './lease/lease-keeper.ts';
import { OwnNode } from './own-node.ts';
import type { Position, Recipe } from './recipes/recipe.ts';
import { RecipeRunner } from './recipes/recipe-runner.ts';
import type { RunRecordOptions } from './recipes/run-record.ts';
import { Retries } from './retry.ts';
import type { Session } from './session/session.ts';

export interface AttemptOptions {
  readonly clock: Clock;
  /** Bound of connecting; milliseconds. */
  readonly connectTimeoutMs: number;
  readonly killAfterMs: number;
  readonly newSession: () => Session;
  /** A recipe for this session, with a GUID that no other session has used. */
  readonly newRecipe: (session: Session, guid: string) => Recipe;
  /** The node that records successful runs (`--once-per`); null: none. */
  readonly runRecord: RunRecordOptions | null;
  readonly emit: (event: ZookeeperEvent) => void;
  /** From 0 to 1: of pauses. A real process's when left out, as the two below. */
  readonly random?: (() => number) | undefined;
  readonly newGuid?: (() => string) | undefined;
  /** Milliseconds since the epoch. */
  readonly wallClock?: (() => number) | undefined;
}

/** The events that the attempt handles. */
export interface AttemptHandlers {
  readonly onAttached: (attachment: Attachment) => void;
  /** Our node was deleted, or it changed. */
  readonly onNodeChange: (path: string) => void;
  readonly onPosition: (position: Position) => void;
}

export class AttemptParts {
  readonly options: AttemptOptions;
  readonly session: Session;
  readonly keeper: LeaseKeeper;
  readonly ownNode: OwnNode;
  readonly queue: RecipeRunner;
  /** Retries of requests about our own node. */
  readonly retries: Retries;
  #state: AttemptState = { name: 'idle' };

  constructor(session: Session, options: AttemptOptions, handlers: AttemptHandlers) {
    const { clock, killAfterMs, random, newGuid, wallClock } = options;
    this.options = options;
    this.session = session;
    const sessionTimeoutMs = () => session.info.timeoutMs;
    this.retries = new Retries({ clock, sessionTimeoutMs, random });
    this.ownNode = new OwnNode(session, handlers.onNodeChange);
    this.keeper = new LeaseKeeper(session, {
      ...{ clock, wallClock, killAfterMs },
      onRenewed: (lease) => this.emit({ type: 'lease.renewed', lease }),
      onProofNeeded: (reason) => this.reattach(reason),
      onNodeGone: () => this.loseNode(),
      onEnding: ({ leaseEnd }) =>
        this.#lose('leaseEnding', 'could not renew the lease in time', leaseEnd),
    });
    const guid = newGuid?.() ?? randomHex(16);
    this.queue = new RecipeRunner(options.newRecipe(session, guid), {
      ...{ clock, random },
      isAttached: () => session.isAttached,
      onPosition: handlers.onPosition,
      onSuspect: (reason) => session.reattach(reason),
      sessionTimeoutMs,
    });
    session.on('attached', (attachment) => {
      this.keeper.attached(attachment);
      handlers.onAttached(attachment);
    });
    session.on('detached', ({ reason }) => {
      this.keeper.detached();
      // The next attachment starts again.
      this.retries.cancel();
      this.suspend(reason, 'detached');
    });
    session.on('expired', ({ message, by }) =>
      this.#lose(by === 'server' ? 'expired' : 'silence', message, null),
    );
  }

  get state(): AttemptState {
    return this.#state;
  }

  get isHeld(): boolean {
    return this.#state.name === 'holding' || this.#state.name === 'holding.suspended';
  }

  on(event: AttemptEvent): void {
    this.#state = nextState(this.#state, event);
  }

  emit(event: ZookeeperEvent): void {
    this.options.emit(event);
  }

  /** Reports session.suspended if the event suspends the attempt. */
  suspend(reason: string, type: 'detached' | 'suspend' = 'suspend'): void {
    const wasSuspended = isSuspended(this.#state);
    this.on({ type });
    if (wasSuspended || !isSuspended(this.#state)) return;
    this.emit({ type: 'session.suspended', reason });
  }

  /** Reacts to an outage: replaces the connection. */
  reattach(reason: string): void {
    this.suspend(reason);
    this.session.reattach(reason);
  }

  /** Called only after the leader has confirmed a request on the current connection. */
  resume(): void {
    if (!isSuspended(this.#state)) return;
    this.on({ type: 'resume' });
    // A grant must still be confirmed: keep counting the errors until then.
    if (this.#state.name !== 'granted') this.retries.reset();
    this.emit({ type: 'session.resumed', session: this.session.info });
  }

  loseNode(): void {
    // Our own release deletes the node as well.
    if (!isGrantedOrHeld(this.#state)) return;
    this.#lose('nodeGone', 'our node is gone: it was deleted, or the session ended', null);
  }

  /** The session is useless: servers accept it and fail all requests. */
  loseSession(message: string): void {
    this.#lose('silence', message, null);
  }

  #lose(cause: LossCause, message: string, leaseEnd: number | null): void {
    this.end();
    // Also if it was over already: there is nothing left to release or to close.
    this.emit({ type: 'session.lost', loss: { cause, message, leaseEnd } });
  }

  /** Stops all renewals, retries and grants. The session remains. */
  end(): void {
    this.on({ type: 'end' });
    this.keeper.stop();
    this.retries.cancel();
    this.queue.leave();
  }
}
