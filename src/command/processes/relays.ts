/**
 * Processes that may forward SIGTERM to one that lockex has no permission to signal, as sudo does.
 * Each is spared from SIGKILL for a moment, because a killed process forwards nothing.
 */
import type { Clock } from '../../util/clock.ts';
import { relaysOf } from './descendants.ts';
import type { ProcessRecord } from './process-table.ts';
import { keyOf } from './seen-processes.ts';
import { signalOne } from './signalling.ts';

/** A relay forwards SIGTERM immediately, or never. */
const SPARED_MS = 100;

export class Relays {
  readonly #clock: Clock;
  /** When each process was sent SIGTERM. */
  readonly #askedAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Records that SIGTERM has just been sent to these processes. */
  noteAsked(records: readonly ProcessRecord[]): void {
    for (const record of records) {
      const key = keyOf(record);
      if (!this.#askedAt.has(key)) this.#askedAt.set(key, this.#clock.now());
    }
  }

  /** Returns the relays of the foreign processes that must still be spared. */
  spared(
    descendants: readonly ProcessRecord[],
    foreign: readonly ProcessRecord[],
  ): readonly ProcessRecord[] {
    return relaysOf(descendants, foreign).filter((record) => {
      const askedAt = this.#askedAt.get(keyOf(record));
      return askedAt === undefined || this.#clock.now() < askedAt + SPARED_MS;
    });
  }

  /** Sends SIGTERM once to each, and SIGCONT so that a stopped one acts on it. */
  ask(records: readonly ProcessRecord[]): void {
    for (const record of records) {
      if (!this.#askedAt.has(keyOf(record))) signalOne(record, 'SIGTERM');
      this.noteAsked([record]);
      signalOne(record, 'SIGCONT');
    }
  }
}
