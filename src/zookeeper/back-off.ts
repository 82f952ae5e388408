/**
 * Pauses between repeated attempts. They double up to a bound, and start again only after an
 * attempt that worked for a third of the session timeout: a success that does not last is no reason
 * to try the next one at once.
 *
 * Not in `util/`: all bounds are fractions of a session timeout, also where `lockex status` and the
 * inspector use them.
 */
import type { Clock } from '../util/clock.ts';
import { randomFraction } from './defaults.ts';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;
/** Of the session timeout: short enough to prove a lease in time. */
const MAX_PAUSE_RATIO = 1 / 12;
/** Of the session timeout: an attempt that worked for so long starts a new series. */
const LASTING_RATIO = 1 / 3;
/** Attempts without a pause: one failure, and one re-attachment to prove the lease. */
const FREE_TRIES = 2;
/** Changes by other clients are read at this rate at most, however fast they follow each other. */
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
  /** So many attempts in a series are not delayed; default 2. */
  readonly free?: number;
  /** Granted; milliseconds. */
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

  /** Milliseconds to wait before the next attempt. `lastedMs`: how long the last one worked. */
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
 * Reacts to changes by other clients: at once, but in the long run some ten times a second at most.
 */
export class PacedLook {
  readonly #clock: Clock;
  readonly #look: () => void;
  readonly #backOff: BackOff;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #timer: unknown = null;

  constructor({ clock, ...options }: PacedOptions, look: () => void) {
    this.#clock = clock;
    this.#look = look;
    this.#backOff = new BackOff({ ...options, ...CHANGES });
  }

  /** Something has changed. At most one look is pending. */
  changed(): void {
    if (this.#timer !== null) return;
    const pause = this.#backOff.nextMs(this.#clock.now() - this.#lookedAt);
    if (pause === 0) return this.#lookNow();
    this.#timer = this.#clock.setTimeout(() => this.#lookNow(), pause);
  }

  cancel(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #lookNow(): void {
    this.#timer = null;
    this.#lookedAt = this.#clock.now();
    this.#look();
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

  /** Call before each attempt. null: no pause; false: cancelled during the pause. */
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
