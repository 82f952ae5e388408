/**
 * The settings of a run, composed so that each part receives only what it needs: made from the
 * command line (or by a library's user), taken apart by the wiring. Times in milliseconds.
 */
import type { LockexInput } from '../../machines/contract.ts';
import type { LogLevel } from '../util/log-level.ts';
import type { Access } from './access.ts';
import type { CommandLine } from './command-line.ts';

/** Everything that the machine and its actors need. */
export interface LockexSettings {
  /** For the machine, and for nothing else that it does not need: its context is inspected. */
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

/** Settings of the observers, which decide nothing. */
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

/** Of `--inspect`. */
export interface InspectSettings {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Origins of other sites whose pages may connect. */
  readonly origins: readonly string[];
}

/** Servers and a place in them, without a lock: for `lockex status`. */
export interface ServerSettings extends SessionSettings {
  /** Parent of all locks in ZooKeeper, without slashes around it. */
  readonly lockPath: string;
  /** Attempts to connect: 1 or more. */
  readonly connectTries: number;
}

/** Of `lockex status`. */
export interface StatusSettings extends ServerSettings {
  /** null: all locks below the path. */
  readonly lockIds: readonly string[] | null;
  readonly json: boolean;
  readonly watch: boolean;
}
