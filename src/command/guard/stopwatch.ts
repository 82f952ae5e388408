/**
 * Measures time in which somebody else could have answered: stretches in which our own event loop
 * stood still don't count, because an answer may be waiting that we have not read. Never tells more
 * than once per start.
 */
import type { Clock } from '../../util/clock.ts';

const SLICES = 4;

export class Stopwatch {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  readonly #onOver: () => void;
  #timer: unknown = null;
  #left = 0;

  constructor(clock: Clock, lengthMs: number, onOver: () => void) {
    this.#clock = clock;
    this.#sliceMs = lengthMs / SLICES;
    this.#onOver = onOver;
  }

  /** Runs on if it runs already: a newer question is no excuse for an older one. */
  start(): void {
    if (this.#timer !== null) return;
    this.#left = SLICES;
    this.#next();
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #next(): void {
    const begun = this.#clock.now();
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null;
      const wasBlocked = this.#clock.now() - begun > 2 * this.#sliceMs;
      if (!wasBlocked) this.#left -= 1;
      if (this.#left > 0) this.#next();
      else this.#onOver();
    }, this.#sliceMs);
  }
}
