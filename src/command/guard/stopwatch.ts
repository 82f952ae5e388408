/**
 * A timeout for an answer. Time during which this process's event loop was blocked does not count:
 * the answer may have arrived but not been read. Fires at most once per start.
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

  /** Does nothing if it is running: a newer request does not extend the time of an older one. */
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
