/** The options of the command's supervisor, and types that its files share. */

import type { CommandLine } from '../settings/command-line.ts';
import type { Clock } from '../util/clock.ts';
import type { LogFunction } from '../util/log-level.ts';
import type { InitRuntime } from './init/init-runtime.ts';

export interface SupervisorOptions {
  readonly command: CommandLine;
  /** The environment that lockex itself was started with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its working directory; default: the one of lockex, even if it was removed. */
  readonly cwd?: string;
  readonly lockId: string;
  /** Unique to this lockex: names the marker variable, `LOCKEX_HELD_<guid>`. */
  readonly guid: string;
  /** Run a guard beside the command (`--no-guard`: false). */
  readonly guard: boolean;
  /** Grace between SIGTERM and SIGKILL for processes that outlive the command's first process. */
  readonly killAfterMs: number;
  /** 'await': wait for processes that outlive the first one, and stop them only on request. */
  readonly leftovers?: 'stop' | 'await';
  /** lockex was started with SIGHUP ignored (nohup): the command ignores it as well. */
  readonly ignoreHangup?: boolean;
  /** 'group': no cgroup is created, even if that is possible. */
  readonly scope?: 'auto' | 'group';
  /**
   * Interpreters for the command's init, the best first; empty: no init. Default: those of this
   * host.
   */
  readonly initRuntimes?: readonly InitRuntime[];
  readonly clock: Clock;
  /** The shell for the gate and the guard. Default: `/bin/sh`; for the guard, bash if it exists. */
  readonly shell?: readonly string[];
  readonly log: LogFunction;
  /**
   * Program (an absolute path) and arguments that the guard runs after lockex is gone and the
   * command has ended, to close the session early. None may contain a newline. null: none.
   */
  readonly reaper: readonly string[] | null;
}

/** Identifies a process: a later one with the same pid has another start time. */
export interface Identity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly start: number;
}
