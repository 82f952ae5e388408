/**
 * The scope of a command: all processes that it started, by the means of this host. `LinuxScope` is
 * the implementation on Linux, `GroupScope` elsewhere.
 */
import type { Identity } from '../options.ts';
import type { ProcessRecord } from './process-table.ts';

/** The command's first process, as its parent knows it. */
export interface First {
  readonly identity: Identity;
  /** It was reaped: its pid, and that of its group, may belong to another process. */
  readonly hasEnded: () => boolean;
}

/** The command's init: the child subreaper that adopts the command's orphans. */
export interface Init {
  readonly identity: Identity;
  /** `gone`: it ended, and the kernel gave the processes that it had adopted to another parent. */
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
  /** The living processes, as far as they can be listed. */
  living(): readonly ProcessRecord[];
  /** Sends a signal once to each process. */
  signal(signal: NodeJS.Signals): void;
  /** Sends SIGKILL to everything. Repeat it until `presence` is `empty`. */
  kill(): void;
  /** Records the present processes; returns those that the guard should know. Cheap. */
  record(): readonly Identity[];
  /** Nothing is left: removes what was created for the scope. */
  close(): void;
}
