/**
 * A discrete-event simulation in one thread: virtual time, events, and random numbers that one seed
 * decides. It reads no real clock and uses no real timers: the same seed and program give the same
 * trace.
 *
 * Code under test uses promises. The microtasks that an event leaves behind run to their end before
 * the next event, at the same virtual time: `run` gives Node a chance for that after each event
 * that called `awaken`. In Node, `process.nextTick` runs when the queue of microtasks is empty
 * (`processTicksAndRejections` in lib/internal/process/task_queues.js), which costs no turn of the
 * real event loop.
 */
import { type Random, randomOf } from '../../support/random.ts';
import { EventQueue, type ScheduledEvent } from './event-queue.ts';
import { Trace, type TraceOptions } from './trace.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly trace?: TraceOptions;
  /**
   * Events of the same time in the order of scheduling, instead of an order that the seed decides.
   */
  readonly keepsOrder?: boolean;
}

/** So many events between two turns of the real event loop, for signals and the test runner. */
const EVENTS_PER_TURN = 50_000;

export class Simulation {
  readonly seed: number;
  readonly trace: Trace;
  readonly #queue = new EventQueue();
  readonly #ties: Random | null;
  #now = 0;
  #order = 0;
  #events = 0;
  #isAwake = false;

  constructor({ seed, trace, keepsOrder = false }: SimulationOptions) {
    this.seed = seed;
    this.trace = new Trace(trace);
    this.#ties = keepsOrder ? null : randomOf(seed, 'ties');
  }

  /** Milliseconds since the start. */
  get now(): number {
    return this.#now;
  }

  /** Number of events that have run. */
  get events(): number {
    return this.#events;
  }

  /** The stream of random numbers of one component. The pace of one changes no other's numbers. */
  random(component: string): Random {
    return randomOf(this.seed, component);
  }

  schedule(delayMs: number, run: () => void): ScheduledEvent {
    const event: ScheduledEvent = {
      at: this.#now + Math.max(0, delayMs),
      rank: this.#ties === null ? 0 : this.#ties.fraction(),
      order: this.#order++,
      run,
    };
    this.#queue.push(event);
    return event;
  }

  cancel(event: ScheduledEvent): void {
    event.run = null;
  }

  /** The present event has called code that may have left microtasks. */
  awaken(): void {
    this.#isAwake = true;
  }

  /** Runs the next event; false when there is none until then. Leaves microtasks alone. */
  step(untilMs = Number.POSITIVE_INFINITY): boolean {
    const event = this.#queue.peek();
    if (event === null || event.at > untilMs) return false;
    this.#queue.pop();
    const { run } = event;
    event.run = null;
    this.#now = event.at;
    this.#events += 1;
    this.trace.step(event.at);
    run?.();
    return true;
  }

  /**
   * Runs events for so many milliseconds of virtual time, or until `isDone` holds, which is called
   * before each event: it has to be cheap.
   */
  async run(durationMs: number, isDone: () => boolean = () => false): Promise<void> {
    const until = this.#now + durationMs;
    await settled();
    let turn = this.#events + EVENTS_PER_TURN;
    while (!isDone()) {
      if (!this.step(until)) {
        this.#now = Math.max(this.#now, until);
        return;
      }
      if (this.#isAwake) {
        this.#isAwake = false;
        await settled();
      }
      if (this.#events >= turn) {
        turn = this.#events + EVENTS_PER_TURN;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /**
   * Runs until the condition holds.
   * @throws Error where it does not within `boundMs` of virtual time
   */
  async until(isDone: () => boolean, what: string, boundMs = 120_000): Promise<void> {
    await this.run(boundMs, isDone);
    if (isDone()) return;
    throw new Error(`${what}: not within ${boundMs} ms of simulated time (seed ${this.seed})`);
  }

  /** Runs until the promise is settled, and returns its value. */
  async wait<T>(promise: Promise<T>, what = 'a promise', boundMs = 120_000): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.until(() => isSettled, what, boundMs);
    return await promise;
  }
}

/** Until no microtask is left. */
function settled(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}
