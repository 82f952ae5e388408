/**
 * Drives a recipe: takes its steps one after the other, whenever something may have changed, and
 * says where we stand. Says nothing any more once it was left.
 */
import type { Clock } from '../../util/clock.ts';
import { PacedLook, PacedTries } from '../back-off.ts';
import { isRequestError, type RequestError, requestError } from '../errors.ts';
import { Retries } from '../retries.ts';
import type { Position, Recipe } from './recipe.ts';

export interface RecipeRunnerOptions {
  readonly clock: Clock;
  readonly isAttached: () => boolean;
  readonly onStanding: (standing: Position) => void;
  /** Another connection is needed. */
  readonly onSuspect: (reason: string) => void;
  /** Granted; milliseconds. */
  readonly sessionTimeoutMs: () => number;
}

/** Without blocking: how long one that is about to let go is waited for; milliseconds. */
const PASSING_MS = 2000;
/** In a row, without a pause: as many as an undisturbed contender takes, and more. */
const FREE_STEPS = 4;

export class RecipeRunner {
  readonly #recipe: Recipe;
  readonly #options: RecipeRunnerOptions;
  /** null: not in the queue. */
  #joined: { readonly blocking: boolean; readonly since: number } | null = null;
  #steps: Promise<void> = Promise.resolve();
  #stepWanted = false;
  #passingTimer: unknown;
  readonly #retries: Retries;
  /** Of steps that others have undone: a node that was deleted is created again. */
  readonly #tries: PacedTries;
  /** At changes of what we wait for. */
  readonly #look: PacedLook;

  constructor(recipe: Recipe, options: RecipeRunnerOptions) {
    this.#recipe = recipe;
    this.#options = options;
    this.#retries = new Retries(options);
    this.#tries = new PacedTries({ ...options, free: FREE_STEPS });
    this.#look = new PacedLook(options, () => void this.#step());
  }

  /** See Recipe. */
  get ownOrParentPath(): string {
    return this.#recipe.ownOrParentPath;
  }

  /** Rejects when a step failed in a way that nobody foresaw. */
  join(blocking: boolean): Promise<void> {
    this.#joined = { blocking, since: this.#options.clock.now() };
    return this.#step();
  }

  /** Our node may be gone, which the recipe does not watch. Rejects as `join` does. */
  look(): Promise<void> {
    this.#recipe.doubt();
    return this.#step();
  }

  /** Nothing is said any more; the node stays. */
  leave(): void {
    this.#joined = null;
    this.#options.clock.clearTimeout(this.#passingTimer);
    this.#retries.cancel();
    this.#tries.cancel();
    this.#look.cancel();
  }

  /** Deletes our node (see Recipe), after the step that may be under way. */
  async withdraw(onAsked: () => void): Promise<void> {
    this.leave();
    await this.#steps;
    await this.#recipe.withdraw(onAsked);
  }

  #step(): Promise<void> {
    if (this.#stepWanted) return this.#steps;
    this.#stepWanted = true;
    this.#steps = this.#steps.then(() => this.#takeStep());
    return this.#steps;
  }

  async #takeStep(): Promise<void> {
    this.#stepWanted = false;
    if (this.#joined === null || !this.#options.isAttached()) return;
    try {
      const standing = await this.#recipe.advance(
        () => this.#look.changed(),
        () => this.#pace(),
      );
      this.#retries.reset();
      if (this.#joined !== null && !this.#isWorthAMoment(standing)) {
        this.#options.onStanding(standing);
      }
    } catch (error) {
      if (!isRequestError(error)) throw error;
      this.#failed(error);
    }
  }

  /** Rejects where we have left the queue meanwhile: no further node is to be created. */
  async #pace(): Promise<void> {
    const isWanted = await this.#tries.next();
    if (isWanted === false || this.#joined === null)
      throw requestError('CONNECTION_LOSS', 'the queue');
  }

  /** After 'wait' and 'reattach' the session is suspended, and we are joined anew behind that. */
  #failed(error: RequestError): void {
    const { onSuspect, onStanding } = this.#options;
    const action = this.#retries.next(error, 'queueing');
    if (action === 'reattach') return this.#retries.soon(() => onSuspect(error.message));
    if (this.#joined === null) return;
    if (action === 'retry') return this.#retries.afterPause(() => void this.#step());
    if (action === 'refuse') onStanding({ kind: 'refused', message: error.message });
  }

  #isWorthAMoment(standing: Position): boolean {
    const { clock } = this.#options;
    if (standing.kind !== 'queued' || !standing.transient) return false;
    if (this.#joined === null || this.#joined.blocking) return false;
    const left = this.#joined.since + PASSING_MS - clock.now();
    if (left <= 0) return false;
    clock.clearTimeout(this.#passingTimer);
    this.#passingTimer = clock.setTimeout(() => void this.#step(), left);
    return true;
  }
}
