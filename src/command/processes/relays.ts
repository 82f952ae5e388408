/**
 * Processes that may pass SIGTERM on to one that lockex has no permission to signal, as sudo does.
 * Each is spared from SIGKILL for a moment, because it could not pass anything on after that.
 */
import type { Clock } from '../../util/clock.ts';
import { relaysOf } from './descendants.ts';
import type { ProcessRecord } from './process-table.ts';
import { keyOf } from './seen-processes.ts';
import { signalOne } from './signalling.ts';

/** A relay passes SIGTERM on at once, or never. */
const SPARED_MS = 100;

export class Relays {
  readonly #clock: Clock;
  /** When each process was sent SIGTERM. */
  readonly #askedAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** These were sent SIGTERM just now. */
  noteAsked(records: readonly ProcessRecord[]): void {
    for (const record of records) {
      const key = keyOf(record);
      if (!this.#askedAt.has(key)) this.#askedAt.set(key, this.#clock.now());
    }
  }

  /** Relays of the foreign processes that are still to be spared. */
  spared(
    descendants: readonly ProcessRecord[],
    foreign: readonly ProcessRecord[],
  ): readonly ProcessRecord[] {
    return relaysOf(descendants, foreign).filter((record) => {
      const askedAt = this.#askedAt.get(keyOf(record));
      return askedAt === undefined || this.#clock.now() < askedAt + SPARED_MS;
    });
  }

  /** SIGTERM once to each, and SIGCONT so that a stopped one acts on it. */
  ask(records: readonly ProcessRecord[]): void {
    for (const record of records) {
      if (!this.#askedAt.has(keyOf(record))) signalOne(record, 'SIGTERM');
      this.noteAsked([record]);
      signalOne(record, 'SIGCONT');
    }
  }
}
