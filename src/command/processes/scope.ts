/**
 * The scope of a command: all processes that it started. `LinuxScope` is the implementation on
 * Linux, `GroupScope` elsewhere.
 */
import type { Identity } from '../options.ts';
import type { ProcessRecord } from './process-table.ts';

/** The command's first process, as its parent knows it. */
export interface First {
  readonly identity: Identity;
  /** It was reaped: its pid and its group id may belong to other processes. */
  readonly hasEnded: () => boolean;
}

/** The command's init: the child subreaper that adopts the command's orphans. */
export interface Init {
  readonly identity: Identity;
  /** `gone`: it ended, and the kernel moved the processes that it had adopted to another parent. */
  readonly state: () => 'populated' | 'empty' | 'gone';
  /** Asks it to kill all its descendants. */
  readonly killAll: () => void;
}

/** Only `empty` permits the release of the lock. */
export type Presence =
  | { readonly state: 'empty' }
  | { readonly state: 'populated' }
  | { readonly state: 'unknown'; readonly reason: string };

export interface ProcessScope {
  /** For the log: the means by which processes are found. */
  readonly name: string;
  /** `empty` is certain; `unknown` if something could not be read. */
  presence(): Presence;
  /** The living processes that can be listed. */
  living(): readonly ProcessRecord[];
  /** Sends a signal once to each process. */
  signal(signal: NodeJS.Signals): void;
  /** Sends SIGKILL to all processes. Repeat it until `presence` is `empty`. */
  kill(): void;
  /** Records the current processes; returns those that the guard should know. Cheap. */
  record(): readonly Identity[];
  /** No process is left: removes everything that was created for the scope. */
  close(): void;
}
