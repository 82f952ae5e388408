/**
 * Drives a recipe: takes its steps one after the other, whenever something may have changed, and
 * says where we stand. Says nothing any more once it was left.
 */
import type { Clock } from '../clock.ts';
import { isRequestError } from './errors.ts';
import type { Recipe, Standing } from './recipe.ts';

export interface QueueingOptions {
  readonly clock: Clock;
  readonly isAttached: () => boolean;
  readonly onStanding: (standing: Standing) => void;
  /** A request was not answered in time: the connection is no good. */
  readonly onTimeout: (reason: string) => void;
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

  constructor(recipe: Recipe, options: QueueingOptions) {
    this.#recipe = recipe;
    this.#options = options;
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
      if (this.#joined !== null && !this.#isWorthAMoment(standing)) {
        this.#options.onStanding(standing);
      }
    } catch (error) {
      if (!isRequestError(error)) throw error;
      if (error.code === 'TIMEOUT') this.#options.onTimeout(error.message);
      // The session says itself what becomes of its connection, and we are joined anew after that.
      if (error.isConnectionTrouble || this.#joined === null) return;
      this.#options.onStanding({ kind: 'refused', message: error.message });
    }
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
