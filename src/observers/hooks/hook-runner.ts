/**
 * Runs programs at changes of state: one at a time, in order, bounded in time and number. The
 * machine never waits for them. Their output goes to standard error: standard output belongs to the
 * command.
 */
import type { ChildProcess } from 'node:child_process';
import { duration } from '../../util/duration.ts';

export interface StateChange {
  /** One of the seven states, or `done`. */
  readonly state: string;
  /** The previous state; '' for the first. */
  readonly from: string;
  /** The reason, as text; '' if the state's name says everything. */
  readonly reason: string;
  /** null: not granted yet. */
  readonly fencingToken: string | null;
  /** lockex's exit status in the state done, else null. */
  readonly exitCode: number | null;
}

export interface HookProgram {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface HookOptions {
  /** Name in warnings: `--on-state`. */
  readonly name: string;
  /** The program for a change; null: none. */
  readonly programFor: (change: StateChange) => HookProgram | null;
  readonly warn: (message: string) => void;
  /** Time limit of one program; milliseconds. */
  readonly boundMs?: number;
}

const BOUND_MS = 10_000;
/** Maximum number of queued changes; if there are more, the oldest is dropped. */
const MAX_WAITING = 16;

export class HookRunner {
  readonly #options: HookOptions;
  #waiting: StateChange[] = [];
  #running: ChildProcess | null = null;
  #onIdle: (() => void) | null = null;
  /** The last problem that was logged. */
  #problem = '';

  constructor(options: HookOptions) {
    this.#options = options;
  }

  changed(change: StateChange): void {
    this.#waiting.push(change);
    if (this.#waiting.length > MAX_WAITING) {
      const dropped = this.#waiting.shift();
      const { name, warn } = this.#options;
      warn(`${name} is too slow: not run for ${dropped?.state}`);
    }
    this.#next();
  }

  /** Resolves when all programs have ended, or after `boundMs`; then it kills the rest. */
  async finish(): Promise<void> {
    const { boundMs = BOUND_MS } = this.#options;
    if (this.#running === null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting = [];
        kill(this.#running);
        resolve();
      }, boundMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #next(): void {
    if (this.#running !== null) return;
    const change = this.#waiting.shift();
    if (change === undefined) return void this.#onIdle?.();
    const { name, warn, boundMs = BOUND_MS } = this.#options;
    const child = this.#start(change);
    if (child === null) return this.#next();
    this.#running = child;
    const timer = setTimeout(() => {
      warn(`${name} took longer than ${duration(boundMs)} for ${change.state} and was killed`);
      kill(child);
    }, boundMs);
    const over = () => {
      clearTimeout(timer);
      if (this.#running !== child) return;
      this.#running = null;
      this.#next();
    };
    child.once('error', (error) => {
      this.#warnOnce(error);
      over();
    });
    child.once('exit', over);
  }

  #start(change: StateChange): ChildProcess | null {
    const { programFor } = this.#options;
    const wanted = programFor(change);
    if (wanted === null) return null;
    try {
      // Loaded on demand: the standalone executable starts without it.
      const { spawn } = process.getBuiltinModule('node:child_process');
      return spawn(wanted.program, wanted.args, {
        env: wanted.env,
        // In its own process group, which is killed as a whole.
        detached: true,
        stdio: ['ignore', 2, 2],
      });
    } catch (error) {
      // No more processes or memory: no reason to lose the lock.
      this.#warnOnce(error as NodeJS.ErrnoException);
      return null;
    }
  }

  /** Logs each problem once: it will be the same for the next change. */
  #warnOnce({ code, message }: NodeJS.ErrnoException): void {
    const problem = code === 'ENOENT' ? 'no such program' : message;
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.warn(`cannot run ${this.#options.name}: ${problem}`);
  }
}

function kill(child: ChildProcess | null): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
