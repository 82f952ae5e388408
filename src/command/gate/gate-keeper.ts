/**
 * Keeps a gate parked, in a cgroup of its own where one can be had, until it is opened or nothing
 * more is wanted. A gate that dies while it is parked is replaced: it is never the command's death.
 * Knows nothing of leases; who opens the gate has seen to the guard.
 */
import { existsSync } from 'node:fs';
import type { GrantInfo } from '../../../machines/contract.ts';
import type { CommandExit } from '../../../machines/outcome.ts';
import { findInitRuntimes, type InitRuntime } from '../init/init-runtime.ts';
import type { Identity, SupervisorOptions } from '../options.ts';
import { makeCgroup, removeCgroup, sweepBeside } from '../processes/cgroup.ts';
import { GroupScope } from '../processes/group-scope.ts';
import { type Marks, newLimit, newSlack } from '../processes/marks.ts';
import { hasProcessTable, showsOthers } from '../processes/process-table.ts';
import { type First, type Init, type ProcessScope, signalGroup } from '../processes/scope.ts';
import { UnionScope } from '../processes/union-scope.ts';
import { Gate, type ParkedGate } from './gate.ts';
import { markerOf, prepare, resolveCommand } from './preparation.ts';
import type { Resolution } from './resolve.ts';

export const DEFAULT_SHELL = ['/bin/sh'];
/** For a host whose /bin/sh the kernel does not execute. */
const OTHER_SHELLS = [['/bin/dash'], ['/bin/busybox', 'sh']];
/** What the kernel says of a program that it does not execute: execve(2). */
const NOT_EXECUTABLE: readonly (string | undefined)[] = ['ENOENT', 'EACCES', 'ENOEXEC', 'ELIBBAD'];
/** A gate that could not be parked so often in a row won't be. */
const TRIES = 5;
const DELAY_MS = 100;
const NO_INIT = 'the command gets no init: no interpreter for it was found, or none is fit';
/** The killed are gone in a few milliseconds; what takes longer is left to the guard. */
const DYING_MS = 5;
const DYING_TRIES = 20;

const HIDDEN_PROCESSES =
  'processes of other users are hidden (/proc has hidepid): what the command starts as another user ' +
  'is not found once it leaves the process group; run lockex as root, or where it may make a cgroup';

export interface GateKeeperEvents {
  /**
   * A process stands that will be the gate: the guard must know it and its init (null: none), and
   * where it is to be found.
   */
  readonly onGate: (identity: Identity, init: Identity | null) => void;
  /** It waits to be opened. */
  readonly onParked: () => void;
  readonly onStarted: (pid: number) => void;
  /** The command can't be run. Nothing of it ever ran, and no gate is parked any more. */
  readonly onFailed: (exitCode: 125 | 126 | 127, message: string) => void;
  /** The process of a gate that was opened has ended: the command's, that is. */
  readonly onExited: (exit: CommandExit) => void;
  /** No process of the command is left below its init. */
  readonly onEmpty: () => void;
  /** After `close`: no gate is left, and none was opened. */
  readonly onClosed: () => void;
}

export class GateKeeper {
  readonly #limit = newLimit();
  readonly #slack = newSlack();
  readonly #options: SupervisorOptions;
  readonly #events: GateKeeperEvents;
  /** The gate runs in the first; those that can't be executed are taken out, but the last. */
  #shells: readonly (readonly string[])[];
  /** The init runs on the first; those that are unfit for it here are taken out. */
  #runtimes: readonly InitRuntime[];
  #wantsFolder: boolean;
  #directory: string | null = null;
  #gate: Gate | null = null;
  #reach: ProcessScope | null = null;
  #marks: Marks;
  #found: Resolution | null = null;
  /** Names of variables that a shell can't keep. */
  #odd: readonly string[] = [];
  #timer: unknown = null;
  #fallen = 0;
  #state: 'open' | 'failed' | 'closing' | 'over' = 'open';

  constructor(options: SupervisorOptions, events: GateKeeperEvents) {
    this.#options = options;
    this.#events = events;
    this.#shells = options.shell === undefined ? [DEFAULT_SHELL, ...OTHER_SHELLS] : [options.shell];
    this.#runtimes = options.initRuntimes ?? findInitRuntimes();
    if (this.#runtimes.length === 0) options.log('debug', NO_INIT);
    this.#wantsFolder = options.reach !== 'group';
    this.#marks = this.#marksOf({ limit: true, slack: true });
  }

  /** What everything that the command started is found by. */
  get reach(): ProcessScope | null {
    return this.#reach;
  }

  /** What every process of the command carries; until it is parked, what it is to carry. */
  get marks(): Marks {
    return this.#marks;
  }

  /** Its orphans can't get lost: all that it starts has an init for an ancestor. */
  get hasInit(): boolean {
    return this.#gate?.init != null && this.#gate.descendants !== 'unknown';
  }

  /** The cgroup that the gate is in, or about to enter; null: it gets none. */
  get directory(): string | null {
    return this.#directory;
  }

  get isParked(): boolean {
    return this.#state === 'open' && this.#gate?.isParked === true;
  }

  /** From then on whatever dies may be the command. */
  get wasOpened(): boolean {
    return this.#gate?.wasOpened === true;
  }

  park(): void {
    const { cwd, ignoreHangup = false, clock } = this.#options;
    const [shell = DEFAULT_SHELL] = this.#shells;
    const runtime = this.#runtimes[0] ?? null;
    this.#ensureCgroup();
    const { found, ...preparation } = prepare(this.#options);
    this.#found = found;
    this.#odd = preparation.plan.odd;
    const entrance = this.#directory === null ? null : `${this.#directory}/cgroup.procs`;
    const gate: Gate = new Gate(
      {
        runtime,
        clock,
        shell,
        cwd,
        ignoreHangup,
        entrance,
        limit: this.#limit,
        slack: this.#slack,
        ...preparation,
      },
      {
        onIdentified: () => this.#identified(gate),
        onParked: (how) => this.#parked(how),
        onStarted: () => this.#events.onStarted(gate.identity?.pid ?? 0),
        onRefused: (status) => this.#refused(status),
        onExit: (exit) => this.#ended(gate, exit),
        onError: (error) => this.#unparkable(error),
        onUnfit: (reason) => this.#unfit(reason),
        onInitLost: () => this.#initLost(gate),
        onEmpty: () => gate === this.#gate && this.#events.onEmpty(),
      },
    );
    this.#gate = gate;
    if (gate.identity !== null) this.#identified(gate);
  }

  /** Why the command could not be run, by the last look; null: it could. */
  get doubt(): string | null {
    return this.#found?.ok === false ? this.#found.message : null;
  }

  /** Looks for a program again that was not there. (One that goes away is found out by the gate.) */
  look(): void {
    if (this.doubt !== null) this.#found = resolveCommand(this.#options);
  }

  /** A program that was not there at the last look fails, and the gate stays shut. */
  open(grant: GrantInfo, until: number | null): void {
    const found = this.#found;
    if (found === null || found.ok) this.#gate?.open(grant, until);
    else this.#fail(found.exitCode, found.message);
  }

  /** Another gate instead of one that was not opened, and may be stopped or half dead. */
  replace(): void {
    if (!this.wasOpened) this.#gate?.kill();
  }

  signal(signal: NodeJS.Signals): void {
    const gate = this.#gate;
    if (gate?.identity && gate.wasOpened) {
      signalGroup({ identity: gate.identity, hasEnded: () => gate.hasEnded }, signal);
    }
  }

  /**
   * No gate is to be opened any more. Answered by onClosed, perhaps at once, unless one was opened that
   * is the command: then by onExited.
   */
  close(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#state = 'closing';
    if (this.wasOpened) return;
    if (this.#gate === null || this.#gate.hasEnded) this.#closed();
    else this.#gate.kill();
  }

  /** SIGKILL to all of it; nothing is told any more. */
  dispose(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#state = 'over';
    // A command that was started is killed with regard to what it runs through sudo (union-reach.ts).
    if (!this.wasOpened) this.#gate?.kill();
    this.#reach?.kill();
    // After the cgroup was killed at once: the init would kill the same one by one.
    this.#gate?.release();
    this.#gate = null;
    if (this.#directory !== null) removeFolderSoon(this.#directory);
  }

  /** Everything is dead: gives back what was made for it. */
  release(): void {
    this.#state = 'over';
    this.#gate?.release();
    this.#reach?.close();
    if (this.#directory === null) return;
    removeCgroup(this.#directory);
    // Only now: nobody waits for us any more.
    sweepBeside(this.#directory);
    this.#directory = null;
  }

  /** A guard that has fired removes it, also when there was only a gate in it. */
  #ensureCgroup(): void {
    if (!this.#wantsFolder || (this.#directory !== null && existsSync(this.#directory))) return;
    const made = makeCgroup();
    this.#directory = 'directory' in made ? made.directory : null;
    if ('reason' in made) this.#disableCgroup(made.reason);
  }

  #disableCgroup(reason: string): void {
    this.#options.log('debug', `the command gets no cgroup: ${reason}`);
    if (this.#directory !== null) removeCgroup(this.#directory);
    this.#directory = null;
    this.#wantsFolder = false;
    if (hasProcessTable && !showsOthers()) this.#options.log('warn', HIDDEN_PROCESSES);
  }

  #reachOf(gate: Gate, identity: Identity): ProcessScope {
    const first: First = { identity, hasEnded: () => gate.hasEnded };
    if (!hasProcessTable) return new GroupScope(first);
    const { clock, log } = this.#options;
    return new UnionScope({
      first,
      init: initOf(gate),
      directory: this.#directory,
      marks: this.#marks,
      clock,
      log,
    });
  }

  #marksOf({ limit, slack }: Pick<ParkedGate, 'limit' | 'slack'>): Marks {
    return {
      variable: markerOf(this.#options),
      limit: limit ? this.#limit : null,
      slack: slack ? this.#slack : null,
    };
  }

  #identified(gate: Gate): void {
    if (gate.identity === null || gate !== this.#gate) return;
    this.#reach = this.#reachOf(gate, gate.identity);
    this.#events.onGate(gate.identity, gate.init);
  }

  /** Another interpreter, or none: a gate without an init does as well, but its orphans may be lost. */
  #unfit(reason: string): void {
    const [runtime, ...others] = this.#runtimes;
    this.#options.log('debug', `${runtime?.name} can't be the init of the command: ${reason}`);
    this.#runtimes = others;
    if (others.length === 0) this.#options.log('debug', NO_INIT);
    if (this.#state === 'closing') this.#closed();
    else if (this.#state === 'open') this.park();
  }

  /** Orphans of the command are adopted by PID 1 from now on: nothing of it may live on. */
  #initLost(gate: Gate): void {
    if (gate !== this.#gate || !gate.wasOpened) return;
    const message = 'the init of the command ended unexpectedly: killing the command';
    this.#options.log('error', message);
    this.#reach?.kill();
  }

  #parked(how: ParkedGate): void {
    const gate = this.#gate;
    if (gate?.identity == null) return;
    if (this.#directory !== null && how.outside)
      this.#disableCgroup(`${this.#directory} can't be entered`);
    if (!how.limit) {
      const message = 'the command gets no mark by RLIMIT_LOCKS: the hard limit is lower';
      this.#options.log('debug', message);
    }
    this.#marks = this.#marksOf(how);
    this.#reach = this.#reachOf(gate, gate.identity);
    if (how.lossy && this.#odd.length > 0) {
      const message = `there is no env -S here: the command goes without ${this.#odd.join(', ')}`;
      this.#options.log('warn', message);
    }
    this.#fallen = 0;
    this.#events.onParked();
  }

  /** The shell's message is on stderr already; ours says what it means. */
  #refused(status: number): void {
    const found = resolveCommand(this.#options);
    if (!found.ok) return this.#fail(found.exitCode, found.message);
    this.#fail(126, `${found.path} can't be executed (the shell's status: ${status})`);
  }

  #ended(gate: Gate, exit: CommandExit): void {
    if (gate !== this.#gate) return;
    if (gate.wasOpened) this.#events.onExited(exit);
    else this.#fell('the gate ended before it was opened');
  }

  #unparkable(error: NodeJS.ErrnoException): void {
    const isTooLong = error.code === 'E2BIG';
    if (isTooLong) return this.#fail(126, 'the arguments and the environment are too long');
    const [shell = DEFAULT_SHELL, ...others] = this.#shells;
    if (NOT_EXECUTABLE.includes(error.code) && others.length > 0) this.#shells = others;
    this.#fell(`can't start ${shell.join(' ')}: ${error.message}`);
  }

  #fell(message: string): void {
    if (this.#state === 'closing') return this.#closed();
    if (this.#state !== 'open') return;
    this.#fallen += 1;
    if (this.#fallen >= TRIES) return this.#fail(125, message);
    this.#options.log('warn', `${message}: parking another`);
    this.#timer = this.#options.clock.setTimeout(() => this.park(), DELAY_MS * this.#fallen);
  }

  #fail(exitCode: 125 | 126 | 127, message: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#events.onFailed(exitCode, message);
  }

  #closed(): void {
    if (this.#state !== 'closing') return;
    this.#state = 'over';
    this.#events.onClosed();
  }
}

/** Without going back to the event loop: there may be none to go back to. */
function removeFolderSoon(directory: string): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; tries < DYING_TRIES && !removeCgroup(directory); tries += 1) {
    Atomics.wait(never, 0, 0, DYING_MS);
  }
}

function initOf(gate: Gate): Init | null {
  const { init } = gate;
  if (init === null) return null;
  const states = { some: 'populated', none: 'empty', unknown: 'gone' } as const;
  return {
    identity: init,
    state: () => states[gate.descendants],
    killAll: () => gate.killAll(),
  };
}
