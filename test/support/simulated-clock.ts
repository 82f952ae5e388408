/** A clock of `src/util/clock.ts` that only moves when a test says so. */
import type { Clock } from '../../src/util/clock.ts';

interface Due {
  readonly id: number;
  readonly at: number;
  readonly callback: () => void;
}

export class SimulatedClock implements Clock {
  #now: number;
  #nextId = 1;
  readonly #due = new Map<number, Due>();

  constructor(startMs = 1_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): number {
    const id = this.#nextId++;
    this.#due.set(id, { id, at: this.#now + Math.max(0, delayMs), callback });
    return id;
  }

  clearTimeout(id: unknown): void {
    this.#due.delete(id as number);
  }

  /** The number of pending timers. */
  get timers(): number {
    return this.#due.size;
  }

  /** Runs the next timer, at its time; false if there is none until then. */
  step(until = Number.POSITIVE_INFINITY): boolean {
    let next: Due | null = null;
    for (const due of this.#due.values()) {
      if (due.at <= until && (next === null || due.at < next.at)) next = due;
    }
    if (next === null) return false;
    this.#due.delete(next.id);
    this.#now = Math.max(this.#now, next.at);
    next.callback();
    return true;
  }

  /** Advances the time, and runs each timer at its own time. */
  pass(ms: number): void {
    const until = this.#now + ms;
    while (this.step(until));
    this.#now = until;
  }

  /** Like pass(), but promises settle in between. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    while (this.step(until)) await settled();
    this.#now = until;
  }

  /** As if the process had been stopped: the time jumps, and timers fire only afterwards. */
  stall(ms: number): void {
    this.#now += ms;
    this.pass(0);
  }

  /** Like stall(), but promises settle in between. */
  async sleep(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }
}

/** Resolves after all pending promise callbacks have run. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
