/**
 * Everything that the command started, on Linux: the union of all means. Its cgroup, its first process
 * with that one's session and group, all descendants (those of its init, and those that were
 * recorded), and what carries its marks. Each means misses something by itself (docs/safety.md);
 * all of them are killed and waited for.
 */
import type { Clock } from '../../util/clock.ts';
import type { LogFunction } from '../../util/log-level.ts';
import { Notices } from '../notices.ts';
import type { Identity } from '../options.ts';
import {
  canKillCgroup,
  freezeCgroup,
  isOutside,
  isPopulated,
  killCgroup,
  membersOf,
  removeCgroup,
} from './cgroup.ts';
import { findDescendants, relaysOf } from './descendants.ts';
import { countForks, seesFork } from './fork-watch.ts';
import { isMarked, type Marks } from './marks.ts';
import {
  findLiving,
  isLiving,
  type ProcessRecord,
  type ProcessTable,
  readChildren,
  readProcess,
  readProcessTable,
} from './process-table.ts';
import type { Look } from './reading.ts';
import { keyOf, Recorded } from './recorded.ts';
import {
  canSignal,
  type First,
  type Init,
  isGroupHidden,
  type Presence,
  type ProcessScope,
  signalEach,
  signalGroup,
  signalOne,
} from './scope.ts';

/** A look at the whole process table while the command runs takes at most one part in so many. */
const REST_PER_TABLE_LOOK = 50;
/** How long a process is spared so that it can pass SIGTERM on. It does that at once, or never. */
const RELAY_MS = 100;
/** Looks in a row that must find nothing: one may miss a parent that ends and the child it made. */
const EMPTY_LOOKS = 2;

export interface UnionOptions {
  readonly first: First;
  readonly init: Init | null;
  /** Its cgroup; null: it has none. */
  readonly directory: string | null;
  readonly marks: Marks;
  readonly clock: Clock;
  readonly log: LogFunction;
}

type Family = Look<readonly ProcessRecord[]>;

export class UnionScope implements ProcessScope {
  readonly #options: UnionOptions;
  readonly #recorded: Recorded;
  readonly #notices: Notices;
  /** Processes that were asked to pass SIGTERM on, and when. */
  readonly #asked = new Map<string, number>();
  #nextTableLook = 0;

  constructor(options: UnionOptions) {
    this.#options = options;
    this.#recorded = new Recorded(options.clock);
    this.#notices = new Notices(options.log);
  }

  get name(): string {
    const { directory, init, marks } = this.#options;
    const marked = [marks.slack !== null && 'timer slack', marks.limit !== null && 'lock limit'];
    return [
      directory !== null && 'cgroup',
      init !== null && 'init',
      'session, process group, descendants',
      `marks (${[...marked, 'environment'].filter(Boolean).join(', ')})`,
    ]
      .filter(Boolean)
      .join('; ');
  }

  presence(): Presence {
    const { first, init, directory } = this.#options;
    if (!first.hasEnded() || init?.state() === 'populated') return { state: 'populated' };
    if (directory !== null) {
      const populated = isPopulated(directory);
      if (!populated.known) return { state: 'unknown', reason: populated.reason };
      if (populated.value) return { state: 'populated' };
    }
    if (this.#isRecordedLiving()) return { state: 'populated' };
    return this.#presenceInTable();
  }

  living(): readonly ProcessRecord[] {
    const { found } = this.#look();
    this.#notices.foreign(this.#foreignIn(found));
    return found;
  }

  signal(signal: NodeJS.Signals): void {
    const living = this.living();
    if (signal === 'SIGTERM') for (const record of living) this.#noteAsked(record);
    signalEach(this.#options.first, living, signal);
  }

  /**
   * Stopped first, so that nothing forks or leaves while the others are being looked for. What was
   * made meanwhile is found the next time: this is repeated until nothing is left.
   */
  kill(): void {
    const { first, init, directory } = this.#options;
    if (directory !== null) this.#killCgroup(directory);
    signalGroup(first, 'SIGSTOP');
    const { found } = this.#look();
    const foreign = this.#foreignIn(found);
    const relays = relaysOf(found, foreign).filter((record) => this.#isSpared(record));
    if (relays.length === 0) init?.killAll();
    this.#relay(relays);
    const others = found.filter((record) => !relays.includes(record));
    for (const record of others) signalOne(record, 'SIGSTOP');
    if (relays.length === 0) signalGroup(first, 'SIGKILL');
    for (const record of others) signalOne(record, 'SIGKILL');
  }

  /** By the kernel's own lists of children, so that it costs little on a host with many others. */
  record(): readonly Identity[] {
    const { clock } = this.#options;
    const family = this.#descendants() ?? this.#familyInTurn(clock.now());
    if (family !== null) {
      this.#recorded.replace(this.#butFirst(family.found), family.gap === null);
      this.#notices.foreign(this.#foreignIn(family.found));
      this.#notices.outside(this.#outsideIn(family.found));
    }
    return this.#recorded.all;
  }

  close(): void {
    this.#recorded.clear();
    if (this.#options.directory !== null) removeCgroup(this.#options.directory);
  }

  #presenceInTable(): Presence {
    const { first, init, directory } = this.#options;
    const before = countForks();
    for (let looks = 0; looks < EMPTY_LOOKS; looks += 1) {
      const { found, gap } = this.#look();
      if (found.length > 0) return { state: 'populated' };
      if (gap !== null) return { state: 'unknown', reason: gap };
      // It waits for its children, and has none: what it adopts has no other place to be.
      if (init?.state() === 'empty') return { state: 'empty' };
    }
    if (isGroupHidden(first) || this.#isGroupElusive()) return { state: 'populated' };
    // What forks in a cgroup is held by it.
    if (directory !== null) return { state: 'empty' };
    const after = countForks();
    const isQuiet = before.known && after.known && before.value === after.value;
    if (isQuiet || !this.#seesFork()) return { state: 'empty' };
    return { state: 'populated' };
  }

  /**
   * A chain of processes, each of which forks the next one and ends, is quicker than our looks. But
   * its group has members, and stopped they can be seen; what can't be seen then are zombies.
   */
  #isGroupElusive(): boolean {
    const { first } = this.#options;
    if (!signalGroup(first, 'SIGSTOP')) return false;
    const { found } = this.#look();
    signalGroup(first, 'SIGCONT');
    return found.length > 0;
  }

  /** One that has left the group is met as it forks, known by its mark, and killed. */
  #seesFork(): boolean {
    return seesFork((record) => {
      const isOurs = this.#isOurs(record);
      if (isOurs) signalOne(record, 'SIGKILL');
      return isOurs;
    });
  }

  #isOurs(record: ProcessRecord): boolean {
    const { first, marks } = this.#options;
    if (record.start < first.identity.start) return false;
    const marked = isMarked(record, marks);
    return marked.known && marked.value;
  }

  /** Not worth a look at all the others while one of them is there. */
  #isRecordedLiving(): boolean {
    return this.#recorded.all.some((identity) => {
      const reading = findLiving(identity);
      return reading.known && reading.value !== null;
    });
  }

  #look(): Family {
    const { first, marks } = this.#options;
    const table = readProcessTable();
    let gap = table.gap;
    const marked: number[] = [];
    for (const record of table.found.values()) {
      if (record.start < first.identity.start) continue;
      const reading = isMarked(record, marks);
      if (!reading.known) gap = reading.reason;
      else if (reading.value) marked.push(record.pid);
    }
    const family = this.#familyOf({ found: table.found, gap }, marked);
    this.#recorded.replace(this.#butFirst(family.found), family.gap === null);
    return family;
  }

  #familyOf(table: Look<ProcessTable>, marked: readonly number[]): Family {
    const { first, init, directory } = this.#options;
    const members = directory === null ? { found: [], gap: null } : membersOf(directory);
    const found = findDescendants(table.found, {
      first: first.identity,
      init: init?.identity ?? null,
      recorded: this.#recorded.all,
      members: members.found,
      marked,
    });
    return { found, gap: table.gap ?? members.gap };
  }

  /** null where the kernel doesn't list children. */
  #descendants(): Family | null {
    const { first, init, directory } = this.#options;
    const found = new Map<string, ProcessRecord>();
    const todo: number[] = directory === null ? [] : [...membersOf(directory).found];
    if (init !== null) todo.push(...(readChildren(init.identity.pid) ?? []));
    for (const identity of [first.identity, ...this.#recorded.all]) {
      const reading = findLiving(identity);
      if (reading.known && reading.value !== null) todo.push(identity.pid);
    }
    for (let pid = todo.pop(); pid !== undefined; pid = todo.pop()) {
      const reading = readProcess(pid);
      const record = reading.known ? reading.value : null;
      if (record === null || found.has(keyOf(record))) continue;
      found.set(keyOf(record), record);
      const children = readChildren(pid);
      if (children === null) return null;
      todo.push(...children);
    }
    return { found: [...found.values()].filter(isLiving), gap: null };
  }

  /** null: the last look at the whole process table was too short a time ago. */
  #familyInTurn(now: number): Family | null {
    if (now < this.#nextTableLook) return null;
    const family = this.#familyOf(readProcessTable(), []);
    const end = this.#options.clock.now();
    this.#nextTableLook = end + REST_PER_TABLE_LOOK * (end - now);
    return family;
  }

  #killCgroup(directory: string): void {
    if (killCgroup(directory)) {
      // The kernel passes over a process whose first thread has ended while others run on.
      for (const record of this.#membersIn(directory)) {
        if (record.state === 'Z') signalOne(record, 'SIGKILL');
      }
      return;
    }
    // Before Linux 5.14: held still, so that nothing forks while it is being counted.
    freezeCgroup(directory, true);
    for (const record of this.#membersIn(directory)) signalOne(record, 'SIGKILL');
    freezeCgroup(directory, false);
  }

  #membersIn(directory: string): readonly ProcessRecord[] {
    return membersOf(directory).found.flatMap((pid) => {
      const reading = readProcess(pid);
      return reading.known && reading.value !== null ? [reading.value] : [];
    });
  }

  /** Processes that lockex has no permission to kill, neither one by one nor with their cgroup. */
  #foreignIn(found: readonly ProcessRecord[]): readonly ProcessRecord[] {
    const foreign = found.filter(({ pid }) => canSignal(pid) === 'no');
    const { directory } = this.#options;
    if (foreign.length === 0 || directory === null || !canKillCgroup(directory)) return foreign;
    const members = new Set(membersOf(directory).found);
    return foreign.filter(({ pid }) => !members.has(pid));
  }

  #outsideIn(found: readonly ProcessRecord[]): readonly ProcessRecord[] {
    const { directory } = this.#options;
    if (directory === null) return [];
    const members = membersOf(directory);
    if (members.gap !== null) return [];
    const inside = new Set(members.found);
    return found.filter(({ pid }) => !inside.has(pid) && isOutside(pid, directory));
  }

  /** Once to each, and awake so that it acts on it. */
  #relay(relays: readonly ProcessRecord[]): void {
    for (const record of relays) {
      if (!this.#asked.has(keyOf(record))) signalOne(record, 'SIGTERM');
      this.#noteAsked(record);
      signalOne(record, 'SIGCONT');
    }
  }

  #noteAsked(record: ProcessRecord): void {
    const key = keyOf(record);
    if (!this.#asked.has(key)) this.#asked.set(key, this.#options.clock.now());
  }

  #isSpared(record: ProcessRecord): boolean {
    const since = this.#asked.get(keyOf(record));
    return since === undefined || this.#options.clock.now() < since + RELAY_MS;
  }

  #butFirst(found: readonly ProcessRecord[]): readonly ProcessRecord[] {
    return found.filter(({ pid }) => pid !== this.#options.first.identity.pid);
  }
}
