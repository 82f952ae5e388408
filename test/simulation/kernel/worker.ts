/**
 * One thread of a server: a queue of items that are handled one after the other, each after a short
 * time that the seed decides. Items of one queue keep their order; queues have none among each
 * other.
 */
import type { SimulatedProcess } from './process.ts';

/** Milliseconds that an item waits for its thread at most, on a host that is not busy. */
const MAX_WAIT_MS = 0.05;

export class Worker<T> {
  readonly #process: SimulatedProcess;
  readonly #handle: (item: T) => void;
  #items: T[] = [];
  #isBusy = false;
  #isStopped = false;
  #stalledUntil = 0;

  constructor(process: SimulatedProcess, handle: (item: T) => void) {
    this.#process = process;
    this.#handle = handle;
  }

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#isStopped) return;
    this.#items.push(item);
    if (!this.#isBusy) this.#next();
  }

  /** The thread gets no CPU time for so long. */
  stall(ms: number): void {
    this.#stalledUntil = this.#process.simulation.now + ms;
  }

  /** Drops what is queued; nothing is handled any more. */
  stop(): void {
    this.#isStopped = true;
    this.#items = [];
  }

  #next(): void {
    const wait = this.#process.random.fraction() * MAX_WAIT_MS;
    this.#isBusy = true;
    this.#process.post(wait, () => this.#take());
  }

  #take(): void {
    const { now } = this.#process.simulation;
    if (now < this.#stalledUntil) {
      this.#process.post(this.#stalledUntil - now, () => this.#take());
      return;
    }
    const item = this.#items.shift();
    if (item !== undefined) this.#handle(item);
    this.#isBusy = this.#items.length > 0;
    if (this.#isBusy) this.#next();
  }
}
