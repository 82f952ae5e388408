/**
 * Drives a recipe: takes its steps one after the other, whenever something may have changed, and
 * says where we stand. Says nothing any more once it was left.
 */
import type { Clock } from '../clock.ts';
import { isRequestError, type RequestError } from './errors.ts';
import type { Recipe, Standing } from './recipe.ts';
import { Retries } from './retries.ts';

export interface QueueingOptions {
  readonly clock: Clock;
  readonly isAttached: () => boolean;
  readonly onStanding: (standing: Standing) => void;
  /** Another connection is needed. */
  readonly onSuspect: (reason: string) => void;
  /** Granted; milliseconds. */
  readonly sessionTimeoutMs: () => number;
}

/** Without blocking: how long one that is about to let go is waited for; milliseconds. */
const PASSING_MS = 2000;

export class Queueing {
  readonly #recipe: Recipe;
  readonly #options: QueueingOptions;
  /** null: not in the queue. */
  #joined: { readonly blocking: boolean; readonly since: number } | null = null;
  #steps: Promise<void> = Promise.resolve();
  #stepWanted = false;
  #passingTimer: unknown;
  readonly #retries: Retries;

  constructor(recipe: Recipe, options: QueueingOptions) {
    this.#recipe = recipe;
    this.#options = options;
    this.#retries = new Retries(options);
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
      const standing = await this.#recipe.advance(() => void this.#step());
      this.#retries.reset();
      if (this.#joined !== null && !this.#isWorthAMoment(standing)) {
        this.#options.onStanding(standing);
      }
    } catch (error) {
      if (!isRequestError(error)) throw error;
      this.#failed(error);
    }
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

  #isWorthAMoment(standing: Standing): boolean {
    const { clock } = this.#options;
    if (standing.kind !== 'queued' || !standing.passing) return false;
    if (this.#joined === null || this.#joined.blocking) return false;
    const left = this.#joined.since + PASSING_MS - clock.now();
    if (left <= 0) return false;
    clock.clearTimeout(this.#passingTimer);
    this.#passingTimer = clock.setTimeout(() => void this.#step(), left);
    return true;
  }
}
