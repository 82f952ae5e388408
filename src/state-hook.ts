/**
 * `--on-state CMD`: a command of the user's at each change of state, for people who page. One at a
 * time, in order; it never makes the machine wait, is bounded in time and number, and what it prints
 * goes to standard error: standard output is the command's.
 */
import { type ChildProcess, spawn } from 'node:child_process';

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

export interface StateHookOptions {
  readonly line: string;
  readonly lockId: string;
  readonly env: NodeJS.ProcessEnv;
  readonly warn: (message: string) => void;
  /** Milliseconds that one may take. */
  readonly boundMs?: number;
}

const BOUND_MS = 10_000;
/** Waiting for their turn; the oldest goes first when there are more. */
const MOST_WAITING = 16;

export class StateHook {
  readonly #options: StateHookOptions;
  #waiting: StateChange[] = [];
  #running: ChildProcess | null = null;
  #onIdle: (() => void) | null = null;

  constructor(options: StateHookOptions) {
    this.#options = options;
  }

  changed(change: StateChange): void {
    this.#waiting.push(change);
    if (this.#waiting.length > MOST_WAITING) {
      const dropped = this.#waiting.shift();
      this.#options.warn(`--on-state is too slow: not told of ${dropped?.state}`);
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
    const { warn, boundMs = BOUND_MS } = this.#options;
    const child = this.#start(change);
    if (child === null) return this.#next();
    this.#running = child;
    const timer = setTimeout(() => {
      warn(`--on-state took longer than ${boundMs / 1000} s for ${change.state}, and was killed`);
      kill(child);
    }, boundMs);
    const over = () => {
      clearTimeout(timer);
      if (this.#running !== child) return;
      this.#running = null;
      this.#next();
    };
    child.once('error', (error) => {
      warn(`--on-state can't be run: ${error.message}`);
      over();
    });
    child.once('exit', over);
  }

  #start(change: StateChange): ChildProcess | null {
    const { line, warn } = this.#options;
    try {
      return spawn('/bin/sh', ['-c', line], {
        env: this.#environment(change),
        // Its own group: what it starts ends with it.
        detached: true,
        stdio: ['ignore', 2, 2],
      });
    } catch (error) {
      // No more processes, no more memory: nothing that a lock should be lost for.
      warn(`--on-state can't be run: ${error instanceof Error ? error.message : error}`);
      return null;
    }
  }

  #environment(change: StateChange): NodeJS.ProcessEnv {
    const { env, lockId } = this.#options;
    const { LOCKEX_FENCING_TOKEN: _, LOCKEX_LOCK_PATH: __, ...others } = env;
    return {
      ...others,
      LOCKEX_LOCKID: lockId,
      LOCKEX_STATE: change.state,
      LOCKEX_STATE_BEFORE: change.from,
      LOCKEX_REASON: change.reason,
      ...(change.fencingToken !== null && { LOCKEX_FENCING_TOKEN: change.fencingToken }),
      ...(change.exitCode !== null && { LOCKEX_EXIT_CODE: String(change.exitCode) }),
    };
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
