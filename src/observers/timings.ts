/**
 * When each phase of a run ended, in milliseconds since the process began; logged at level debug.
 */
import type { LockexEvent } from '../../machines/contract.ts';

/** The phases that an event ends. `load` and `connect` are not ended by events. */
const ENDS: Readonly<Partial<Record<LockexEvent['type'], readonly string[]>>> = {
  'session.established': ['session'],
  'lock.granted': ['node'],
  'lock.confirmed': ['node', 'grant'],
  'command.started': ['spawn'],
  'command.exited': ['exit'],
  'lock.released': ['release'],
  'session.closed': ['close'],
};

export class Timings {
  readonly #now: () => number;
  readonly #ends = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Only the first end of a phase counts. */
  end(phase: string): void {
    if (!this.#ends.has(phase)) this.#ends.set(phase, this.#now());
  }

  observe(event: LockexEvent | null): void {
    const phases = event === null ? undefined : ENDS[event.type];
    for (const phase of phases ?? []) this.end(phase);
  }

  /** `load 24.1, connect 24.9, …`, in the order in which they ended. */
  toString(): string {
    return [...this.#ends].map(([phase, at]) => `${phase} ${at.toFixed(1)}`).join(', ');
  }
}
