/**
 * One gate: a shell that waits in a session of its own, and becomes the command when it is opened.
 * Knows nothing of leases and guards: who opens it has made sure of them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { GrantInfo } from '../../machines/contract.ts';
import type { CommandExit } from '../../machines/outcome.ts';
import { type EnvironmentPlan, envArguments } from './environment.ts';
import { gateScript } from './gate-script.ts';
import { Lines } from './lines.ts';
import { readProcess } from './process-table.ts';
import type { Identity } from './types.ts';

export interface GateOptions {
  readonly shell: readonly string[];
  readonly cwd: string;
  readonly plan: EnvironmentPlan;
  /** Path of `env`; null where there is none. */
  readonly env: string | null;
  readonly words: readonly string[];
  readonly ignoreHangup: boolean;
  /** cgroup.procs of the folder to enter, or null. */
  readonly entrance: string | null;
  /** What to be known by where no folder is entered. */
  readonly brand: string;
}

export interface GateEvents {
  /** It waits. `lossy`: variables with odd names will be missing. */
  readonly onParked: (how: { outside: boolean; lossy: boolean }) => void;
  /** It was opened, and is the command now. */
  readonly onStarted: () => void;
  /** It was opened, but the kernel would not execute the command. */
  readonly onRefused: (status: number) => void;
  /** Its process ended, whatever it was by then; after onStarted or onRefused if it was opened. */
  readonly onExit: (exit: CommandExit) => void;
  /** The gate's own process could not be made. */
  readonly onError: (error: NodeJS.ErrnoException) => void;
}

type State = 'starting' | 'parked' | 'opening' | 'started' | 'refused';

export class Gate {
  readonly #child: ChildProcess | null;
  readonly #lines: Lines | null = null;
  readonly #events: GateEvents;
  #state: State = 'starting';
  #identity: Identity | null = null;
  #exit: CommandExit | null = null;
  #hasToldEnd = false;
  #isDoomed = false;

  constructor(options: GateOptions, events: GateEvents) {
    this.#events = events;
    this.#child = spawnGate(options, (error) => events.onError(error));
    const pid = this.#child?.pid;
    if (this.#child === null || pid === undefined) return;
    this.#identity = { pid, start: readProcess(pid)?.start ?? 0 };
    this.#child.once('exit', (code, signal) => this.#ended(exitOf(code, signal)));
    this.#lines = new Lines(
      this.#child,
      (line) => this.#heard(line),
      () => this.#closed(),
    );
  }

  /** The gate's process, then the command's; null when it could not be made. */
  get identity(): Identity | null {
    return this.#identity;
  }

  get isParked(): boolean {
    return this.#state === 'parked' && !this.hasEnded && !this.#isDoomed;
  }

  /** Opened: from then on whatever dies may be the command. */
  get wasOpened(): boolean {
    return this.#state !== 'starting' && this.#state !== 'parked' && this.#state !== 'refused';
  }

  /** Its process has been reaped, and its number may be given away. */
  get hasEnded(): boolean {
    return this.#exit !== null || this.#identity === null;
  }

  open(grant: GrantInfo): void {
    this.#state = 'opening';
    this.#lines?.send(grant.fencingToken, grant.path);
  }

  /** At once, whatever it is; it is not to be opened any more. */
  kill(): void {
    this.#isDoomed = true;
    if (!this.hasEnded) this.#child?.kill('SIGKILL');
  }

  #heard(line: string): void {
    const [word, ...rest] = line.split(' ');
    if (word === 'parked' && this.#state === 'starting') {
      this.#state = 'parked';
      const outside = rest.includes('outside');
      this.#events.onParked({ outside, lossy: rest.includes('lossy') });
    } else if (word === 'failed' && this.#state === 'opening') {
      this.#state = 'refused';
      this.#events.onRefused(Number(rest[0]));
    }
  }

  /** exec closes the descriptor, and so does the process's end. */
  #closed(): void {
    if (this.#state === 'opening') {
      this.#state = 'started';
      this.#events.onStarted();
    }
    this.#tellEnd();
  }

  #ended(exit: CommandExit): void {
    this.#exit = exit;
    this.#tellEnd();
  }

  #tellEnd(): void {
    // While it is being opened, what is still in the socket says which it was that ended.
    if (this.#exit === null || this.#state === 'opening' || this.#hasToldEnd) return;
    this.#hasToldEnd = true;
    this.#lines?.close();
    this.#events.onExit(this.#exit);
  }
}

/** Errors are told later, never at once: some come as an event, others are thrown. */
function spawnGate(
  options: GateOptions,
  onError: (error: NodeJS.ErrnoException) => void,
): ChildProcess | null {
  const { shell, plan, ignoreHangup, entrance, brand } = options;
  const [program = '', ...before] = shell;
  const env = options.env === null ? [] : [options.env, ...envArguments(plan)];
  const hup = ignoreHangup ? 'hup' : '';
  const settings = ['gate', entrance ?? '', brand, hup, String(env.length)];
  const words = [...before, '-c', gateScript(plan), ...settings, ...env, ...options.words];
  try {
    const child = spawn(program, words, {
      cwd: options.cwd,
      env: plan.gate,
      detached: true,
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    });
    // One that comes when there is a process would be of a signal that could not be sent.
    child.on('error', (error) => {
      if (child.pid === undefined) onError(error);
    });
    return child;
  } catch (error) {
    setImmediate(() => onError(error as NodeJS.ErrnoException));
    return null;
  }
}

function exitOf(code: number | null, name: NodeJS.Signals | null): CommandExit {
  if (code !== null) return { code, signal: null };
  // Real-time signals have no name in Node; then neither has the number reached us.
  const number = name === null ? 0 : (constants.signals[name] ?? 0);
  return { code: null, signal: { name: name ?? 'unknown', number } };
}
