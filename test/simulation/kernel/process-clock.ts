/**
 * The clock and timers of one simulated process, by the interface of src/util/clock.ts, and the
 * deferred calls that the code under test makes by setImmediate.
 */
import type { Clock } from '../../../src/util/clock.ts';
import type { ScheduledEvent } from './event-queue.ts';
import type { SimulatedProcess } from './process.ts';

export interface ProcessClockOptions {
  /** `/proc/uptime` has hundredths of a second; 0 for a clock without steps. */
  readonly granularityMs?: number;
  /** Timers are late by up to this; milliseconds. */
  readonly maxLatenessMs?: number;
}

interface Timer {
  event: ScheduledEvent | null;
}

export class ProcessClock implements Clock {
  readonly #process: SimulatedProcess;
  readonly #granularityMs: number;
  readonly #maxLatenessMs: number;

  constructor(
    process: SimulatedProcess,
    { granularityMs = 10, maxLatenessMs = 1 }: ProcessClockOptions = {},
  ) {
    this.#process = process;
    this.#granularityMs = granularityMs;
    this.#maxLatenessMs = maxLatenessMs;
  }

  now(): number {
    const uptime = this.#process.host.uptime();
    if (this.#granularityMs === 0) return uptime;
    return Math.floor(uptime / this.#granularityMs) * this.#granularityMs;
  }

  /** As `Date.now`. */
  readonly wallClock = (): number => Math.floor(this.#process.host.wallTime());

  setTimeout(callback: () => void, delayMs: number): Timer {
    const { host } = this.#process;
    const timer: Timer = { event: null };
    const due = host.monotonic() + Math.max(1, delayMs);
    const look = () => {
      const left = due - host.monotonic();
      // Timers do not advance while the host sleeps.
      if (left > 1e-6) {
        timer.event = this.#process.post(host.simulated(left), look);
        return;
      }
      if (timer.event === null) return;
      timer.event = null;
      host.simulation.awaken();
      callback();
    };
    const lateness = this.#process.random.between(0, this.#maxLatenessMs);
    timer.event = this.#process.post(host.simulated(due - host.monotonic()) + lateness, look);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    const { event } = (timer ?? { event: null }) as Timer;
    if (event === null) return;
    this.#process.simulation.cancel(event);
    (timer as Timer).event = null;
  }

  /**
   * As `setImmediate`: after the microtasks of the present event. The seed decides the order among
   * other events of the same time; in Node, immediates, timers and I/O have no fixed order either.
   */
  readonly defer = (callback: () => void): void => {
    this.#process.post(0, () => {
      this.#process.simulation.awaken();
      callback();
    });
  };
}
