/**
 * The scope on Linux: the union of all means. Each of them alone misses some processes
 * (docs/safety.md); a process that any of them finds is killed and waited for.
 */
import type { Clock } from '../../util/clock.ts';
import type { LogFunction } from '../../util/log-level.ts';
import type { Identity } from '../options.ts';
import { CgroupScope } from './cgroup-scope.ts';
import { EscapeWarnings } from './escape-warnings.ts';
import { countForks, seesFork } from './fork-watch.ts';
import type { Marks } from './inherited-marks.ts';
import type { ProcessRecord } from './process-table.ts';
import { Relays } from './relays.ts';
import type { First, Init, Presence, ProcessScope } from './scope.ts';
import { canSignal, isGroupHidden, signalEach, signalGroup, signalOne } from './signalling.ts';
import { TreeScope } from './tree-scope.ts';

/**
 * Scans in a row that must find nothing: one may miss a parent that exits and the child it forked.
 */
const EMPTY_SCANS = 2;

export interface LinuxScopeOptions {
  readonly first: First;
  readonly init: Init | null;
  /** The command's cgroup; null: it has none. */
  readonly directory: string | null;
  readonly marks: Marks;
  readonly clock: Clock;
  readonly log: LogFunction;
}

export class LinuxScope implements ProcessScope {
  readonly name: string;
  readonly #first: First;
  readonly #init: Init | null;
  readonly #cgroup: CgroupScope | null;
  readonly #tree: TreeScope;
  readonly #relays: Relays;
  readonly #warnings: EscapeWarnings;

  constructor(options: LinuxScopeOptions) {
    const { first, init, directory, marks, clock, log } = options;
    this.name = nameOf(options);
    this.#first = first;
    this.#init = init;
    this.#cgroup = directory === null ? null : new CgroupScope(directory);
    this.#tree = new TreeScope({ first, init, cgroup: this.#cgroup, marks, clock });
    this.#relays = new Relays(clock);
    this.#warnings = new EscapeWarnings(log);
  }

  presence(): Presence {
    if (!this.#first.hasEnded() || this.#init?.state() === 'populated') {
      return { state: 'populated' };
    }
    const populated = this.#cgroup?.isPopulated();
    if (populated?.known === false) return { state: 'unknown', reason: populated.reason };
    if (populated?.value === true || this.#tree.isSeenLiving) return { state: 'populated' };
    return this.#presenceInTable();
  }

  living(): readonly ProcessRecord[] {
    const { found } = this.#tree.scan();
    this.#warnings.foreign(this.#foreignIn(found));
    return found;
  }

  signal(signal: NodeJS.Signals): void {
    const living = this.living();
    if (signal === 'SIGTERM') this.#relays.noteAsked(living);
    signalEach(this.#first, living, signal);
  }

  /**
   * Stops the processes first, so that none forks or leaves during the scan. The next call finds
   * processes that were created meanwhile: the caller repeats it until none is left.
   */
  kill(): void {
    this.#cgroup?.kill();
    signalGroup(this.#first, 'SIGSTOP');
    const { found } = this.#tree.scan();
    const relays = this.#relays.spared(found, this.#foreignIn(found));
    if (relays.length === 0) this.#init?.killAll();
    this.#relays.ask(relays);
    const others = found.filter((record) => !relays.includes(record));
    for (const record of others) signalOne(record, 'SIGSTOP');
    if (relays.length === 0) signalGroup(this.#first, 'SIGKILL');
    for (const record of others) signalOne(record, 'SIGKILL');
  }

  record(): readonly Identity[] {
    const updated = this.#tree.update();
    if (updated !== null) {
      this.#warnings.foreign(this.#foreignIn(updated.found));
      this.#warnings.outside(this.#cgroup?.outside(updated.found) ?? []);
    }
    return this.#tree.seen;
  }

  close(): void {
    this.#tree.clear();
    this.#cgroup?.remove();
  }

  #presenceInTable(): Presence {
    const before = countForks();
    for (let scans = 0; scans < EMPTY_SCANS; scans += 1) {
      const { found, gap } = this.#tree.scan();
      if (found.length > 0) return { state: 'populated' };
      if (gap !== null) return { state: 'unknown', reason: gap };
      // The init waits for its children, and has none: no orphan can be anywhere else.
      if (this.#init?.state() === 'empty') return { state: 'empty' };
    }
    if (isGroupHidden(this.#first) || this.#isGroupElusive()) return { state: 'populated' };
    // A process that forks in the cgroup stays in it.
    if (this.#cgroup !== null) return { state: 'empty' };
    const after = countForks();
    const isQuiet = before.known && after.known && before.value === after.value;
    if (isQuiet || !this.#seesOwnFork()) return { state: 'empty' };
    return { state: 'populated' };
  }

  /**
   * A chain of processes that each fork the next one and exit is faster than a scan. But its group
   * has members, and they can be seen once they are stopped; members that still cannot be seen are
   * zombies.
   */
  #isGroupElusive(): boolean {
    if (!signalGroup(this.#first, 'SIGSTOP')) return false;
    const { found } = this.#tree.scan();
    signalGroup(this.#first, 'SIGCONT');
    return found.length > 0;
  }

  /**
   * Finds a chain that has left the group when it forks, identifies it by its mark, and kills it.
   */
  #seesOwnFork(): boolean {
    return seesFork((record) => {
      const isOwn = this.#tree.isOwn(record);
      if (isOwn) signalOne(record, 'SIGKILL');
      return isOwn;
    });
  }

  /**
   * Processes that lockex has no permission to kill, neither individually nor with their cgroup.
   */
  #foreignIn(found: readonly ProcessRecord[]): readonly ProcessRecord[] {
    const foreign = found.filter(({ pid }) => canSignal(pid) === 'no');
    return this.#cgroup?.beyondKill(foreign) ?? foreign;
  }
}

function nameOf({ directory, init, marks }: LinuxScopeOptions): string {
  const marked = [marks.slack !== null && 'timer slack', marks.limit !== null && 'lock limit'];
  const means = [
    directory !== null && 'cgroup',
    init !== null && 'init',
    'session, process group, descendants',
    `marks (${[...marked, 'environment'].filter(Boolean).join(', ')})`,
  ];
  return means.filter(Boolean).join('; ');
}
