/**
 * The command's processes as they were seen, by pid and start time. A leader that ended is remembered
 * for a while, for those that it left in its session.
 */
import type { Clock } from '../../util/clock.ts';
import type { Identity } from '../options.ts';
import type { ProcessRecord } from './process-table.ts';

/** Not for ever, since its number may be given to another process. */
const REMEMBERED_MS = 60_000;

interface Entry extends Identity {
  /** It leads a session that others may be in when it has ended. */
  readonly isLeader: boolean;
  readonly seenAt: number;
}

export class Recorded {
  readonly #clock: Clock;
  #entries: readonly Entry[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get all(): readonly Identity[] {
    return this.#entries;
  }

  /**
   * Replaces what was recorded by what a look has found. `isWhole`: the look was complete; otherwise
   * what it did not find stays recorded.
   */
  replace(found: readonly ProcessRecord[], isWhole: boolean): void {
    const now = this.#clock.now();
    const present = new Map<string, Entry>();
    for (const record of found) {
      const { pid, start, session } = record;
      present.set(keyOf(record), { pid, start, isLeader: session === pid, seenAt: now });
    }
    const kept = this.#entries.filter((old) => {
      if (present.has(keyOf(old))) return false;
      return !isWhole || (old.isLeader && now - old.seenAt < REMEMBERED_MS);
    });
    this.#entries = [...present.values(), ...kept];
  }

  clear(): void {
    this.#entries = [];
  }
}

export function keyOf({ pid, start }: Identity): string {
  return `${pid}:${start}`;
}
