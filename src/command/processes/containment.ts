/**
 * Prepares the means of finding the command's processes: creates the cgroup and chooses the marks
 * before a gate is started, records which of them the gate could use, and returns the scope.
 */
import { existsSync } from 'node:fs';
import type { Clock } from '../../util/clock.ts';
import type { LogFunction } from '../../util/log-level.ts';
import { makeCgroup, removeCgroup, removeStaleCgroups } from './cgroup.ts';
import { GroupScope } from './group-scope.ts';
import { type Marks, newLimit, newSlack } from './inherited-marks.ts';
import { LinuxScope } from './linux-scope.ts';
import { hasProcessTable, showsOthers } from './process-table.ts';
import type { First, Init, ProcessScope } from './scope.ts';

/** Killed processes leave the cgroup within milliseconds; a slower one is left to the guard. */
const REMOVE_RETRY_MS = 5;
const REMOVE_TRIES = 20;

const HIDDEN_PROCESSES =
  'processes of other users are hidden (/proc has hidepid): what the command starts as another ' +
  'user is not found once it leaves the process group; run lockex as root, or where it can ' +
  'create a cgroup';

/** `pending`: created with the next gate. */
type Cgroup =
  | { readonly name: 'pending' }
  | { readonly name: 'ready'; readonly directory: string }
  | { readonly name: 'disabled' };

export interface ContainmentOptions {
  readonly isCgroupWanted: boolean;
  /** Name of the environment variable that marks the command's processes. */
  readonly variable: string;
  readonly clock: Clock;
  readonly log: LogFunction;
}

export class Containment {
  /** The marks that a gate sets; `slack` is null if lockex could not read it. */
  readonly limit = newLimit();
  readonly slack = newSlack();
  readonly #options: ContainmentOptions;
  #cgroup: Cgroup;
  #marks: Marks;

  constructor(options: ContainmentOptions) {
    this.#options = options;
    this.#cgroup = { name: options.isCgroupWanted ? 'pending' : 'disabled' };
    this.#marks = { variable: options.variable, limit: this.limit, slack: this.slack };
  }

  /** The cgroup that the gate is in, or about to enter; null: none. */
  get directory(): string | null {
    return this.#cgroup.name === 'ready' ? this.#cgroup.directory : null;
  }

  /** Marks of every process of the command; before a gate is parked, the marks that it will set. */
  get marks(): Marks {
    return this.#marks;
  }

  /**
   * Called before each gate. A guard that fires removes the cgroup, even if it contained only a
   * gate.
   */
  prepare(): void {
    switch (this.#cgroup.name) {
      case 'disabled':
        return;
      case 'ready':
        if (existsSync(this.#cgroup.directory)) return;
        break;
      case 'pending':
    }
    const made = makeCgroup();
    if ('reason' in made) this.#disableCgroup(made.reason);
    else this.#cgroup = { name: 'ready', directory: made.directory };
  }

  /** A gate is parked, and has reported its cgroup and its marks. */
  parked(gate: {
    readonly outside: boolean;
    readonly limit: boolean;
    readonly slack: boolean;
  }): void {
    const { directory } = this;
    if (directory !== null && gate.outside) this.#disableCgroup(`${directory} cannot be entered`);
    if (!gate.limit) {
      this.#options.log('debug', 'the command has no RLIMIT_LOCKS mark: the hard limit is lower');
    }
    this.#marks = {
      variable: this.#options.variable,
      limit: gate.limit ? this.limit : null,
      slack: gate.slack ? this.slack : null,
    };
  }

  scopeOf(first: First, init: Init | null): ProcessScope {
    if (!hasProcessTable) return new GroupScope(first);
    const { clock, log } = this.#options;
    return new LinuxScope({
      first,
      init,
      directory: this.directory,
      marks: this.#marks,
      clock,
      log,
    });
  }

  /** All processes have ended. */
  release(): void {
    const { directory } = this;
    if (directory === null) return;
    removeCgroup(directory);
    // The lock has been released: no contender waits for this.
    removeStaleCgroups(directory);
    this.#cgroup = { name: 'pending' };
  }

  /**
   * Waits, without the event loop, which may have ended, until killed processes have left the
   * cgroup.
   */
  dispose(): void {
    const { directory } = this;
    if (directory === null) return;
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; tries < REMOVE_TRIES && !removeCgroup(directory); tries += 1) {
      Atomics.wait(never, 0, 0, REMOVE_RETRY_MS);
    }
  }

  #disableCgroup(reason: string): void {
    const { log } = this.#options;
    const { directory } = this;
    log('debug', `the command has no cgroup: ${reason}`);
    if (directory !== null) removeCgroup(directory);
    this.#cgroup = { name: 'disabled' };
    if (hasProcessTable && !showsOthers()) log('warn', HIDDEN_PROCESSES);
  }
}
