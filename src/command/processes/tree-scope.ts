/**
 * The part of the command's scope that is found in the process table: its first process with its
 * session and group, all descendants (of its init, and of processes seen before), the members of
 * its cgroup, and processes with its marks. Lists processes; never signals them.
 */
import type { Clock } from '../../util/clock.ts';
import type { Identity } from '../options.ts';
import type { CgroupScope } from './cgroup-scope.ts';
import { findDescendants } from './descendants.ts';
import { isMarked, type Marks } from './inherited-marks.ts';
import {
  findLiving,
  isLiving,
  type ProcessRecord,
  type ProcessTable,
  readChildren,
  readProcess,
  readProcessTable,
} from './process-table.ts';
import type { Scan } from './reading.ts';
import type { First, Init } from './scope.ts';
import { keyOf, SeenProcesses } from './seen-processes.ts';

/**
 * While the command runs, scans of the whole process table take at most 1/REST_PER_SCAN of the
 * time.
 */
const REST_PER_SCAN = 50;

type Found = Scan<readonly ProcessRecord[]>;

export interface TreeScopeOptions {
  readonly first: First;
  readonly init: Init | null;
  readonly cgroup: CgroupScope | null;
  readonly marks: Marks;
  readonly clock: Clock;
}

export class TreeScope {
  readonly #options: TreeScopeOptions;
  readonly #seen: SeenProcesses;
  #nextScanAt = 0;

  constructor(options: TreeScopeOptions) {
    this.#options = options;
    this.#seen = new SeenProcesses(options.clock);
  }

  /** Processes that were seen so far, except the first. */
  get seen(): readonly Identity[] {
    return this.#seen.all;
  }

  /** True if one of the seen processes is alive: cheaper than a scan. */
  get isSeenLiving(): boolean {
    return this.#seen.all.some((identity) => {
      const reading = findLiving(identity);
      return reading.known && reading.value !== null;
    });
  }

  /** Scans the whole process table, marks included. */
  scan(): Found {
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
    const found = this.#descendantsIn({ found: table.found, gap }, marked);
    this.#note(found);
    return found;
  }

  /**
   * Updates the seen processes from the kernel's lists of children, which is cheap on a host with
   * many processes; null if there are no such lists and the last scan was recent.
   */
  update(): Found | null {
    const found = this.#childrenOfAll() ?? this.#scanUnlessRecent(this.#options.clock.now());
    if (found !== null) this.#note(found);
    return found;
  }

  /** True if the process carries a mark and is not older than the command. */
  isOwn(record: ProcessRecord): boolean {
    const { first, marks } = this.#options;
    if (record.start < first.identity.start) return false;
    const marked = isMarked(record, marks);
    return marked.known && marked.value;
  }

  clear(): void {
    this.#seen.clear();
  }

  #note({ found, gap }: Found): void {
    const { pid: first } = this.#options.first.identity;
    this.#seen.replace(
      found.filter(({ pid }) => pid !== first),
      gap === null,
    );
  }

  #descendantsIn(table: Scan<ProcessTable>, marked: readonly number[]): Found {
    const { first, init, cgroup } = this.#options;
    const members = cgroup?.members() ?? { found: [], gap: null };
    const found = findDescendants(table.found, {
      first: first.identity,
      init: init?.identity ?? null,
      recorded: this.#seen.all,
      members: members.found,
      marked,
    });
    return { found, gap: table.gap ?? members.gap };
  }

  /** null if the kernel does not list children. */
  #childrenOfAll(): Found | null {
    const { first, init, cgroup } = this.#options;
    const found = new Map<string, ProcessRecord>();
    const todo: number[] = [...(cgroup?.members().found ?? [])];
    if (init !== null) todo.push(...(readChildren(init.identity.pid) ?? []));
    for (const identity of [first.identity, ...this.#seen.all]) {
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

  #scanUnlessRecent(now: number): Found | null {
    if (now < this.#nextScanAt) return null;
    const found = this.#descendantsIn(readProcessTable(), []);
    const end = this.#options.clock.now();
    this.#nextScanAt = end + REST_PER_SCAN * (end - now);
    return found;
  }
}
