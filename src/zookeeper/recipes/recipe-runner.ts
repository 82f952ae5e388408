/**
 * Runs a recipe: takes its steps whenever something may have changed, one at a time, and reports
 * our position in the queue. Reports nothing after leaving the queue.
 */
import type { Clock } from '../../util/clock.ts';
import { PacedRefresh, PacedTries } from '../back-off.ts';
import { isRequestError, type RequestError, requestError } from '../errors.ts';
import { Retries } from '../retry.ts';
import type { Position, Recipe } from './recipe.ts';

export interface RecipeRunnerOptions {
  readonly clock: Clock;
  readonly isAttached: () => boolean;
  readonly onPosition: (position: Position) => void;
  /** The connection is useless: another one is needed. */
  readonly onSuspect: (reason: string) => void;
  /** The granted session timeout; milliseconds. */
  readonly sessionTimeoutMs: () => number;
  readonly random?: (() => number) | undefined;
}

type RunnerState =
  | { readonly name: 'new' }
  | { readonly name: 'joined'; readonly blocking: boolean; readonly since: number }
  | { readonly name: 'left' };

/** Without blocking: maximum wait for a contender that is about to leave; milliseconds. */
const TRANSIENT_MS = 2000;
/** Steps in a row without a pause: more than a contender needs if no other client interferes. */
const FREE_STEPS = 4;

export class RecipeRunner {
  readonly #recipe: Recipe;
  readonly #options: RecipeRunnerOptions;
  #state: RunnerState = { name: 'new' };
  #steps: Promise<void> = Promise.resolve();
  #isStepPending = false;
  #transientTimer: unknown;
  readonly #retries: Retries;
  /** Paces steps that other clients undo: a node that was deleted is created again. */
  readonly #tries: PacedTries;
  /** Paces reactions to changes of the watched nodes. */
  readonly #pacedRefresh: PacedRefresh;

  constructor(recipe: Recipe, options: RecipeRunnerOptions) {
    this.#recipe = recipe;
    this.#options = options;
    this.#retries = new Retries(options);
    this.#tries = new PacedTries({ ...options, free: FREE_STEPS });
    this.#pacedRefresh = new PacedRefresh(options, () => void this.#step());
  }

  /** True until the first `join`: no node was created. */
  get isNew(): boolean {
    return this.#state.name === 'new';
  }

  /** See Recipe. */
  get ownOrParentPath(): string {
    return this.#recipe.ownOrParentPath;
  }

  /** Rejects with any error of a step except RequestError. */
  join(blocking: boolean): Promise<void> {
    this.#state = { name: 'joined', blocking, since: this.#options.clock.now() };
    return this.#step();
  }

  /** Our node may be gone; the recipe does not watch it. Rejects like `join`. */
  refresh(): Promise<void> {
    this.#recipe.invalidate();
    return this.#step();
  }

  /** Stops reporting; the node remains. */
  leave(): void {
    if (this.#state.name === 'joined') this.#state = { name: 'left' };
    this.#options.clock.clearTimeout(this.#transientTimer);
    this.#retries.cancel();
    this.#tries.cancel();
    this.#pacedRefresh.cancel();
  }

  /** Deletes our nodes (see Recipe), after the current step, if any. */
  async withdraw(onAsked: () => void): Promise<void> {
    this.leave();
    await this.#steps;
    await this.#recipe.withdraw(onAsked);
  }

  #step(): Promise<void> {
    if (this.#isStepPending) return this.#steps;
    this.#isStepPending = true;
    this.#steps = this.#steps.then(() => this.#takeStep());
    return this.#steps;
  }

  async #takeStep(): Promise<void> {
    this.#isStepPending = false;
    if (!this.#isJoined || !this.#options.isAttached()) return;
    try {
      const position = await this.#recipe.advance(
        () => this.#pacedRefresh.changed(),
        () => this.#pace(),
      );
      this.#retries.reset();
      if (this.#isJoined && !this.#isWorthWaiting(position)) this.#options.onPosition(position);
    } catch (error) {
      if (!isRequestError(error)) throw error;
      this.#failed(error);
    }
  }

  /** Rejects if the queue was left meanwhile: no more nodes may be created. */
  async #pace(): Promise<void> {
    const isDue = await this.#tries.next();
    if (isDue === false || !this.#isJoined) throw requestError('CONNECTION_LOSS', 'the queue');
  }

  /**
   * After 'wait' and 'reattach' the session is suspended, and `join` is called again after that.
   */
  #failed(error: RequestError): void {
    const { onSuspect, onPosition } = this.#options;
    const action = this.#retries.next(error, 'queueing');
    if (action === 'reattach') return this.#retries.soon(() => onSuspect(error.message));
    if (!this.#isJoined) return;
    if (action === 'retry') return this.#retries.afterPause(() => void this.#step());
    if (action === 'refuse') onPosition({ kind: 'refused', message: error.message });
  }

  /** True if a non-blocking contender should wait for one that is about to leave. */
  #isWorthWaiting(position: Position): boolean {
    const { clock } = this.#options;
    if (position.kind !== 'queued' || !position.transient) return false;
    if (this.#state.name !== 'joined' || this.#state.blocking) return false;
    const left = this.#state.since + TRANSIENT_MS - clock.now();
    if (left <= 0) return false;
    clock.clearTimeout(this.#transientTimer);
    this.#transientTimer = clock.setTimeout(() => void this.#step(), left);
    return true;
  }

  get #isJoined(): boolean {
    return this.#state.name === 'joined';
  }
}
