/** What a run needs to know: made by the command line, read by the wiring. Times in milliseconds. */
import type { LockexInput } from '../../machines/contract.ts';
import type { Access } from './access.ts';
import type { CommandLine } from './command-line.ts';

/** Where the locks are. */
export interface ServerSettings extends Access {
  /** Where locks live, without slashes around it. */
  readonly lockPath: string;
  /** Tries to connect: 1 or more. */
  readonly connectTries: number;
  /** Bound of one try to connect, and the session timeout to ask for. */
  readonly timeoutMs: number;
}

export interface LockexSettings extends LockexInput, ServerSettings {
  readonly lockId: string;
  /** Leases of the semaphore; 1: a plain lock. */
  readonly concurrent: number;
  /** With others that share it, but with no one who does not. */
  readonly shared: boolean;
  /** By whose names it stands in the queue (`--recipe`). */
  readonly recipe: 'kazoo' | 'curator';
  readonly command: CommandLine;
  /** Stand a guard up beside the command. */
  readonly guard: boolean;
}

/** Who looks on at a run, and decides nothing. */
export interface ObserverSettings {
  readonly inspect: InspectSettings | null;
  /** A line for `/bin/sh -c`, at each change of state (`--on-state`). */
  readonly onState: string | null;
  /** When systemd is told that we are ready, where it asks (`--ready-when`). */
  readonly readyWhen: ReadyWhen;
}

/** In which state systemd is told that we are ready. */
export type ReadyWhen = 'waiting' | 'running';

/** Of `--inspect`. */
export interface InspectSettings {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Origins of other sites whose pages may attach. */
  readonly origins: readonly string[];
}

/** Of `lockex status`. */
export interface StatusSettings extends ServerSettings {
  /** null: all that live under the path. */
  readonly lockIds: readonly string[] | null;
  readonly json: boolean;
  readonly watch: boolean;
}
