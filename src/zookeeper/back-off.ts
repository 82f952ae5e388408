/**
 * Pauses between repeated attempts. They double up to a maximum, and are reset only after an
 * attempt that worked for a third of the session timeout: after a short success, the next attempt
 * is still delayed.
 *
 * Not in `util/`: all bounds are fractions of a session timeout, also for `lockex status` and the
 * inspector.
 */
import type { Clock } from '../util/clock.ts';
import { randomFraction } from './defaults.ts';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;
/** Ratio to the session timeout; short enough to prove a lease in time. */
const MAX_PAUSE_RATIO = 1 / 12;
/** Ratio to the session timeout; an attempt that worked for this time starts a new series. */
const LASTING_RATIO = 1 / 3;
/** Attempts without a pause: one failure, and one re-attachment to prove the lease. */
const FREE_TRIES = 2;
/** Maximum rate at which changes by other clients are read. */
const CHANGES = { free: 20, maxPauseMs: 100 } as const;

/**
 * Milliseconds of pause after attempt `round` of a series, from 0; at most 1 s, and at most a
 * twelfth of the session timeout. `random`, from 0 to 1, keeps contenders from acting in step.
 */
export function pauseMs(round: number, timeoutMs: number, random = randomFraction()): number {
  const max = Math.min(MAX_PAUSE_MS, timeoutMs * MAX_PAUSE_RATIO);
  return Math.min(max, FIRST_PAUSE_MS * 2 ** round) * (0.5 + random / 2);
}

export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimeout(resolve, ms);
  });
}

export interface BackOffOptions {
  /** Number of attempts in a series that are not delayed; default 2. */
  readonly free?: number;
  /** The granted session timeout; milliseconds. */
  readonly sessionTimeoutMs: () => number;
  readonly maxPauseMs?: number;
  readonly random?: (() => number) | undefined;
}

export class BackOff {
  readonly #options: BackOffOptions;
  #tries = 0;

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  /**
   * Returns milliseconds to wait before the next attempt. `lastedMs`: time for which the last one
   * worked.
   */
  nextMs(lastedMs: number): number {
    const { free = FREE_TRIES, maxPauseMs = MAX_PAUSE_MS, random = randomFraction } = this.#options;
    const timeoutMs = this.#options.sessionTimeoutMs();
    if (lastedMs >= timeoutMs * LASTING_RATIO) this.#tries = 0;
    this.#tries += 1;
    if (this.#tries <= free) return 0;
    return Math.min(maxPauseMs, pauseMs(this.#tries - free - 1, timeoutMs, random()));
  }
}

export interface PacedOptions {
  readonly clock: Clock;
  readonly sessionTimeoutMs: () => number;
  readonly random?: (() => number) | undefined;
}

/**
 * Reacts to changes by other clients: immediately, but in the long run at most about ten times a
 * second.
 */
export class PacedRefresh {
  readonly #clock: Clock;
  readonly #refresh: () => void;
  readonly #backOff: BackOff;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #timer: unknown = null;

  constructor({ clock, ...options }: PacedOptions, refresh: () => void) {
    this.#clock = clock;
    this.#refresh = refresh;
    this.#backOff = new BackOff({ ...options, ...CHANGES });
  }

  /** Something has changed. At most one refresh is pending. */
  changed(): void {
    if (this.#timer !== null) return;
    const pause = this.#backOff.nextMs(this.#clock.now() - this.#refreshedAt);
    if (pause === 0) return this.#refreshNow();
    this.#timer = this.#clock.setTimeout(() => this.#refreshNow(), pause);
  }

  cancel(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #refreshNow(): void {
    this.#timer = null;
    this.#refreshedAt = this.#clock.now();
    this.#refresh();
  }
}

/** Cancellable pauses between the attempts at a task. */
export class PacedTries {
  readonly #clock: Clock;
  readonly #backOff: BackOff;
  #triedAt = Number.NEGATIVE_INFINITY;
  #timer: unknown = null;
  #end: (isCancelled: boolean) => void = () => {};

  constructor({ clock, ...options }: PacedOptions & { readonly free?: number }) {
    this.#clock = clock;
    this.#backOff = new BackOff(options);
  }

  /** Call it before each attempt. null: no pause; false: cancelled during the pause. */
  next(): Promise<boolean> | null {
    const now = this.#clock.now();
    const pause = this.#backOff.nextMs(now - this.#triedAt);
    this.#triedAt = now + pause;
    if (pause === 0) return null;
    return new Promise<boolean>((resolve) => {
      this.#end = (isCancelled) => resolve(!isCancelled);
      this.#timer = this.#clock.setTimeout(() => this.#end(false), pause);
    });
  }

  cancel(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#end(true);
  }
}
