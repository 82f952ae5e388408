/**
 * The command's processes that were seen so far, by pid and start time. A session leader that has
 * ended is remembered for a while: it identifies the processes that it left in its session.
 */
import type { Clock } from '../../util/clock.ts';
import type { Identity } from '../options.ts';
import type { ProcessRecord } from './process-table.ts';

/** Bounded, because the leader's pid may be reused. */
const REMEMBERED_MS = 60_000;

interface Entry extends Identity {
  /** It leads a session, which may have other members when it has ended. */
  readonly isLeader: boolean;
  readonly seenAt: number;
}

export class SeenProcesses {
  readonly #clock: Clock;
  #entries: readonly Entry[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get all(): readonly Identity[] {
    return this.#entries;
  }

  /** Replaces the list with the result of a scan; an incomplete scan removes no entry. */
  replace(found: readonly ProcessRecord[], isComplete: boolean): void {
    const now = this.#clock.now();
    const present = new Map<string, Entry>();
    for (const record of found) {
      const { pid, start, session } = record;
      present.set(keyOf(record), { pid, start, isLeader: session === pid, seenAt: now });
    }
    const kept = this.#entries.filter((old) => {
      if (present.has(keyOf(old))) return false;
      return !isComplete || (old.isLeader && now - old.seenAt < REMEMBERED_MS);
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
