/**
 * A guard by its contract (src/command/guard/guard.sh): a process of its own beside lockex, with
 * absolute deadlines in centiseconds of the host's clock. It echoes each deadline, looks at the
 * clock at least every second, kills everything at the deadline or when lockex has ended, and
 * accepts nothing after that.
 */

import { type SimulatedHost, SimulatedProcess } from '../kernel/process.ts';
import { ProcessClock } from '../kernel/process-clock.ts';

const LOOK_MS = 1000;
/** A line or an echo in a pipe, until the other process is scheduled; milliseconds. */
const PIPE_MS = { min: 0.05, max: 2 } as const;

export interface GuardEvents {
  readonly onEcho: (deadline: number) => void;
  /** Kills everything, then reports it to lockex. */
  readonly onFire: () => void;
}

export class SimulatedGuard {
  readonly process: SimulatedProcess;
  readonly #clock: ProcessClock;
  readonly #events: GuardEvents;
  #deadline: number | null = null;
  #timer: unknown = null;
  #hasFired = false;

  constructor(host: SimulatedHost, name: string, events: GuardEvents) {
    this.process = new SimulatedProcess(host, name);
    this.#clock = new ProcessClock(this.process);
    this.#events = events;
  }

  get hasFired(): boolean {
    return this.#hasFired;
  }

  /** Lockex writes a deadline: milliseconds of the host's clock, when the command is killed. */
  send(deadline: number): void {
    this.process.post(this.#pipeMs(), () => {
      if (this.#hasFired) return;
      this.#deadline = deadline;
      this.#look();
      if (!this.#hasFired) this.#events.onEcho(deadline);
    });
  }

  /** Lockex ended without `bye`: the pipe is at its end. */
  hangUp(): void {
    this.process.post(this.#pipeMs(), () => this.#fire());
  }

  dismiss(): void {
    this.#clock.clearTimeout(this.#timer);
    this.process.end();
  }

  #look(): void {
    this.#clock.clearTimeout(this.#timer);
    if (this.#deadline === null || this.#hasFired) return;
    const left = this.#deadline - this.#clock.now();
    if (left <= 0) return this.#fire();
    this.#timer = this.#clock.setTimeout(() => this.#look(), Math.min(left, LOOK_MS));
  }

  #fire(): void {
    if (this.#hasFired) return;
    this.#hasFired = true;
    this.#events.onFire();
  }

  #pipeMs(): number {
    return this.process.random.between(PIPE_MS.min, PIPE_MS.max);
  }
}
