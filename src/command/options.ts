/**
 * What this directory is told when it is made, and the few shapes that its files share. Never holds
 * code that does anything.
 */

import type { CommandLine } from '../settings/command-line.ts';
import type { Clock } from '../util/clock.ts';
import type { LogFunction } from '../util/log-level.ts';
import type { InitRuntime } from './init/init-runtime.ts';

export interface SupervisorOptions {
  readonly command: CommandLine;
  /** The environment that lockex itself was started with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where to run it; default: where we are, even if that can't be entered again. */
  readonly cwd?: string;
  readonly lockId: string;
  /** Ours alone: names the marker variable, `LOCKEX_HELD_<guid>`. */
  readonly guid: string;
  /** Stand a guard up beside the command (`--no-guard` says no). */
  readonly guard: boolean;
  /** Grace between SIGTERM and SIGKILL for what outlives the command's first process. */
  readonly killAfterMs: number;
  /** 'await': what outlives the first process is waited for, and stopped only on request. */
  readonly leftovers?: 'stop' | 'await';
  /** SIGHUP was ignored by whoever started us: the command is to ignore it as well. */
  readonly ignoreHangup?: boolean;
  /** 'group' goes without a cgroup where one could be had. */
  readonly reach?: 'auto' | 'group';
  /**
   * What the command's init may run on, best first; empty: the command gets none. Default: what this
   * host has.
   */
  readonly initRuntimes?: readonly InitRuntime[];
  readonly clock: Clock;
  /** The gate's shell, and the guard's where none is chosen for it. Default: `/bin/sh`. */
  readonly shell?: readonly string[];
  readonly log: LogFunction;
  /**
   * What the guard runs after lockex is gone and everything is dead, to give the lock back early:
   * program by absolute path, and arguments. No word may hold a newline. null: nothing.
   */
  readonly reaper: readonly string[] | null;
}

/** A process, and not another that was given its number later. */
export interface Identity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly start: number;
}
