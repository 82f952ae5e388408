/**
 * Runs programs at changes of state: one at a time, in order. It never makes the machine wait, is
 * bounded in time and number, and what they print goes to standard error: standard output is the
 * command's.
 */
import type { ChildProcess } from 'node:child_process';
import { duration } from '../../util/duration.ts';

export interface StateChange {
  /** One of the seven, or `done`. */
  readonly state: string;
  /** '' for the first. */
  readonly from: string;
  /** Why, in words. */
  readonly reason: string;
  /** null while there is none. */
  readonly fencingToken: string | null;
  /** lockex's own, once it is done. */
  readonly exitCode: number | null;
}

export interface HookProgram {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface HookOptions {
  /** How warnings name it: `--on-state`. */
  readonly name: string;
  /** What is run for a change; null: nothing. */
  readonly programFor: (change: StateChange) => HookProgram | null;
  readonly warn: (message: string) => void;
  /** Milliseconds that one may take. */
  readonly boundMs?: number;
}

const BOUND_MS = 10_000;
/** Waiting for their turn; the oldest goes first when there are more. */
const MAX_WAITING = 16;

export class HookRunner {
  readonly #options: HookOptions;
  #waiting: StateChange[] = [];
  #running: ChildProcess | null = null;
  #onIdle: (() => void) | null = null;
  /** The last one that was complained of. */
  #problem = '';

  constructor(options: HookOptions) {
    this.#options = options;
  }

  changed(change: StateChange): void {
    this.#waiting.push(change);
    if (this.#waiting.length > MAX_WAITING) {
      const dropped = this.#waiting.shift();
      const { name, warn } = this.#options;
      warn(`${name} is too slow: not told of ${dropped?.state}`);
    }
    this.#next();
  }

  /** Resolves when all were told; what is not by then, after the bound of one, is killed. */
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
      warn(`${name} took longer than ${duration(boundMs)} for ${change.state}, and was killed`);
      kill(child);
    }, boundMs);
    const over = () => {
      clearTimeout(timer);
      if (this.#running !== child) return;
      this.#running = null;
      this.#next();
    };
    child.once('error', (error) => {
      this.#complain(error);
      over();
    });
    child.once('exit', over);
  }

  #start(change: StateChange): ChildProcess | null {
    const { programFor } = this.#options;
    const wanted = programFor(change);
    if (wanted === null) return null;
    try {
      // Not imported: the standalone executable starts without it.
      const { spawn } = process.getBuiltinModule('node:child_process');
      return spawn(wanted.program, wanted.args, {
        env: wanted.env,
        // Its own group: what it starts ends with it.
        detached: true,
        stdio: ['ignore', 2, 2],
      });
    } catch (error) {
      // No more processes, no more memory: nothing that a lock should be lost for.
      this.#complain(error as NodeJS.ErrnoException);
      return null;
    }
  }

  /** Once: it will be the same for the next change. */
  #complain({ code, message }: NodeJS.ErrnoException): void {
    const problem = code === 'ENOENT' ? 'there is no such program' : message;
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.warn(`${this.#options.name} can't be run: ${problem}`);
  }
}

function kill(child: ChildProcess | null): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended between the two lines.
  }
}
