/**
 * The settings of a run, composed so that each part receives only what it needs. Created from the
 * command line, or by a user of the library. Times are in milliseconds.
 */
import type { LockexInput } from '../../machines/contract.ts';
import type { LogLevel } from '../util/log-level.ts';
import type { Access } from './access.ts';
import type { CommandLine } from './command-line.ts';

/** Everything that the machine and its actors need. */
export interface LockexSettings {
  /** Only what the machine needs: inspectors can read its context. */
  readonly machine: LockexInput;
  readonly access: SessionSettings;
  readonly lock: LockSettings;
  readonly command: CommandSettings;
}

/** Everything that the program needs. */
export interface RunSettings extends LockexSettings {
  readonly observers: ObserverSettings;
}

export interface SessionSettings extends Access {
  /** Time limit of an attempt to connect, and the session timeout to ask for. */
  readonly timeoutMs: number;
}

export interface LockSettings {
  readonly id: string;
  /** Parent of all locks in ZooKeeper, without slashes around it. */
  readonly path: string;
  /** Permits of the semaphore; 1: a lock. */
  readonly concurrent: number;
  /** A shared lock: held together with other shared ones. */
  readonly shared: boolean;
  /** The recipe that our node's name follows (`--recipe`). */
  readonly recipe: 'kazoo' | 'curator';
}

export interface CommandSettings {
  readonly line: CommandLine;
  /** Run a guard beside the command. */
  readonly guard: boolean;
}

/** Settings of the observers. */
export interface ObserverSettings {
  readonly log: LogSettings;
  readonly inspect: InspectSettings | null;
  /** A line for `/bin/sh -c` at each change of state (`--on-state`). */
  readonly onState: string | null;
  readonly readyWhen: ReadyWhen;
}

export const LOG_FORMATS = ['text', 'json'] as const;

export interface LogSettings {
  readonly format: (typeof LOG_FORMATS)[number];
  readonly level: LogLevel;
}

/** The state in which systemd is notified that lockex is ready (`--ready-when`). */
export type ReadyWhen = 'waiting' | 'running';

/** Settings of `--inspect`. */
export interface InspectSettings {
  readonly host: string;
  /** 0: a free port. */
  readonly port: number;
  /** Origins of other sites whose pages may connect. */
  readonly origins: readonly string[];
}

/** Servers and the parent node of the locks, for `lockex status` and the inspector. */
export interface ServerSettings extends SessionSettings {
  /** Parent of all locks in ZooKeeper, without slashes around it. */
  readonly lockPath: string;
  /** Attempts to connect: 1 or more. */
  readonly connectTries: number;
}

/** Settings of `lockex status`. */
export interface StatusSettings extends ServerSettings {
  /** null: all locks below the path. */
  readonly lockIds: readonly string[] | null;
  readonly json: boolean;
  readonly watch: boolean;
}
