/**
 * The second rung of the ladder: the command's session and process group, its descendants as they
 * were recorded, and whatever carries its brand or its marker variable. For hosts where no cgroup can
 * be made.
 * What it can miss is told in family.ts.
 */
import type { Clock } from '../clock.ts';
import { isBranded } from './brand.ts';
import { findFamily, type Traces } from './family.ts';
import {
  findLiving,
  hasVariable,
  type ProcessRecord,
  readChildren,
  readProcess,
  readProcessTable,
} from './process-table.ts';
import {
  type First,
  isGroupHidden,
  type Reach,
  signalEach,
  signalGroup,
  signalOne,
} from './reach.ts';
import type { Identity } from './types.ts';

/**
 * How long a leader that ended is remembered for those it left in its session: not for ever, since
 * its number may come round again.
 */
const REMEMBERED_MS = 60_000;

/** What every process of the command inherits. */
export interface Marks {
  /** Name of the variable in its environment. */
  readonly marker: string;
  readonly brand: string;
}

interface Recorded extends Identity {
  /** It leads a session that others may be in when it has ended. */
  readonly isLeader: boolean;
  readonly seenAt: number;
}

export class TreeReach implements Reach {
  readonly name = 'session, process group, descendants, brand and marker';
  readonly #first: First;
  readonly #marks: Marks;
  readonly #clock: Clock;
  #recorded: readonly Recorded[] = [];

  constructor(first: First, marks: Marks, clock: Clock) {
    this.#first = first;
    this.#marks = marks;
    this.#clock = clock;
  }

  /** Two looks: one may have missed a parent that was ending and the child that it made. */
  isEmpty(): boolean {
    if (!this.#first.hasEnded()) return false;
    // Not worth a look at all the others while one of them is there.
    if (this.#recorded.some((identity) => findLiving(identity) !== null)) return false;
    if (this.living().length > 0 || this.living().length > 0) return false;
    return !isGroupHidden(this.#first) && !this.#isGroupElusive();
  }

  /**
   * A chain of processes, each of which forks the next one and ends, is quicker than our looks. But
   * its group has members, and stopped they can be seen; what can't be seen then are zombies.
   */
  #isGroupElusive(): boolean {
    if (!signalGroup(this.#first, 'SIGSTOP')) return false;
    const isElusive = this.living().length > 0;
    signalGroup(this.#first, 'SIGCONT');
    return isElusive;
  }

  living(): readonly ProcessRecord[] {
    const table = readProcessTable();
    const { start } = this.#first.identity;
    const marked = [...table.values()]
      .filter((record) => record.start >= start && this.#isMarked(record.pid))
      .map(({ pid }) => pid);
    const family = findFamily(table, this.#traces(marked));
    this.#remember(family);
    return family;
  }

  signal(signal: NodeJS.Signals): void {
    signalEach(this.#first, this.living(), signal);
  }

  /**
   * Stopped first, so that nothing forks or leaves while the others are being looked for. Whoever
   * was born meanwhile is found the next time: this is repeated until nobody is left.
   */
  kill(): void {
    signalGroup(this.#first, 'SIGSTOP');
    const living = this.living();
    for (const record of living) signalOne(record, 'SIGSTOP');
    signalGroup(this.#first, 'SIGKILL');
    for (const record of living) signalOne(record, 'SIGKILL');
  }

  /** By the kernel's own lists of children, so that it costs nothing on a host with many others. */
  record(): readonly Identity[] {
    const found = new Map<string, ProcessRecord>();
    const todo: Identity[] = [this.#first.identity, ...this.#recorded];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const record = found.has(keyOf(next)) ? null : findLiving(next);
      if (record === null) continue;
      found.set(keyOf(record), record);
      const children = readChildren(record.pid);
      if (children === null) {
        this.#remember(findFamily(readProcessTable(), this.#traces([])));
        return this.#recorded;
      }
      for (const pid of children) {
        const child = readProcess(pid);
        if (child !== null) todo.push(child);
      }
    }
    this.#remember([...found.values()]);
    return this.#recorded;
  }

  close(): void {
    this.#recorded = [];
  }

  #remember(family: readonly ProcessRecord[]): void {
    const now = this.#clock.now();
    const present = new Map<string, Recorded>();
    for (const record of family) {
      const { pid, start, session } = record;
      if (pid === this.#first.identity.pid) continue;
      present.set(keyOf(record), { pid, start, isLeader: session === pid, seenAt: now });
    }
    const leaders = this.#recorded.filter(
      (old) => old.isLeader && !present.has(keyOf(old)) && now - old.seenAt < REMEMBERED_MS,
    );
    this.#recorded = [...present.values(), ...leaders];
  }

  #isMarked(pid: number): boolean {
    return isBranded(pid, this.#marks.brand) || hasVariable(pid, this.#marks.marker);
  }

  #traces(marked: readonly number[]): Traces {
    return { first: this.#first.identity, recorded: this.#recorded, marked };
  }
}

function keyOf({ pid, start }: Identity): string {
  return `${pid}:${start}`;
}
