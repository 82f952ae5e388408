/** A clock of `src/clock.ts` that only moves when a test says so; promises settle in between. */
import type { Clock } from '../../src/clock.ts';

export class SimulatedClock implements Clock {
  #now = 1_000_000;
  #nextId = 1;
  readonly #due = new Map<number, { readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): number {
    const id = this.#nextId++;
    this.#due.set(id, { at: this.#now + Math.max(0, delayMs), callback });
    return id;
  }

  clearTimeout(id: unknown): void {
    this.#due.delete(id as number);
  }

  /** Runs what falls due on the way, each at its own time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (let next = this.#soonest(until); next !== null; next = this.#soonest(until)) {
      this.#now = Math.max(this.#now, next.at);
      this.#due.delete(next.id);
      next.callback();
      await settled();
    }
    this.#now = until;
  }

  /** The process was stopped, or the host asleep: time passes and no timer fires until afterwards. */
  async sleep(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }

  #soonest(until: number): { id: number; at: number; callback: () => void } | null {
    let soonest: { id: number; at: number; callback: () => void } | null = null;
    for (const [id, { at, callback }] of this.#due) {
      if (at <= until && (soonest === null || at < soonest.at)) soonest = { id, at, callback };
    }
    return soonest;
  }
}

/** Until all promises that can settle by themselves have. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
