/**
 * What "everything that the command started" means on this host, and how it is signalled. This file
 * holds what its implementations share (union-reach.ts, group-reach.ts): a signal goes to a process
 * only if it is still the one that was meant.
 */

import type { Identity } from '../options.ts';
import { findLiving, type ProcessRecord, readProcess, showsOthers } from './process-table.ts';

/** The command's first process, as its parent knows it. */
export interface First {
  readonly identity: Identity;
  /** It has been reaped: its number, and its group's, may be another's. */
  readonly hasEnded: () => boolean;
}

/** The command's init: the child subreaper that adopts what the command leaves behind. */
export interface Init {
  readonly identity: Identity;
  /** `gone`: it ended, and the kernel gave what it had adopted to another. */
  readonly state: () => 'populated' | 'empty' | 'gone';
  /** Asks it to kill all its descendants. */
  readonly killAll: () => void;
}

/** Whether anything of the command lives. Only `empty` permits the release of the lock. */
export type Presence =
  | { readonly state: 'empty' }
  | { readonly state: 'populated' }
  | { readonly state: 'unknown'; readonly reason: string };

export interface ProcessScope {
  /** For the log: what this means finds. */
  readonly name: string;
  /** `empty` is certain. What could not be looked at is `unknown`, and is looked at again. */
  presence(): Presence;
  /** What of it lives, as far as it can be listed. */
  living(): readonly ProcessRecord[];
  /** Once to each process, and to stopped ones so that they act on it. */
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL to everything. May have to be repeated until it is `empty`. */
  kill(): void;
  /** Takes note of which processes there are now; gives those the guard should know. Cheap. */
  record(): readonly Identity[];
  /** Nothing is left: gives back what was made for it. */
  close(): void;
}

/**
 * One signal to all of the first process's group, at one moment for all; false where it has no member.
 * Once that process was reaped and no process has its number, the group is its own still, or empty: the
 * kernel gives the number to no other while a member lives.
 */
export function signalGroup(first: First, signal: NodeJS.Signals): boolean {
  const { pid, start } = first.identity;
  const holder = readProcess(pid);
  if (!holder.known) {
    if (first.hasEnded()) return false;
    // Also before its end was reported: its parent, the init, may have reaped it a moment ago.
  } else if (holder.value !== null && (first.hasEnded() || holder.value.start !== start)) {
    return false;
  }
  return trySignal(-pid, signal);
}

/**
 * Where /proc hides the processes of other users (hidepid), those that have become another user's
 * (sudo), or are about to, are found by this alone: their group is there. The number is not given to
 * another while they live. (A zombie looks the same, until it is reaped.)
 */
export function isGroupHidden(first: First): boolean {
  return !showsOthers() && hasGroup(first);
}

/** Whether anything is in the first process's group, zombies included. */
export function hasGroup({ identity }: First): boolean {
  return canSignal(-identity.pid) !== 'gone';
}

/** To the group at once, and to each of the others by itself: none gets it twice. */
export function signalEach(
  first: First,
  living: readonly ProcessRecord[],
  signal: NodeJS.Signals,
): void {
  const reached = signalGroup(first, signal) ? first.identity.pid : null;
  for (const record of living) {
    if (record.group !== reached) signalOne(record, signal);
  }
}

/** Not to another process that was given the number since, nor to one that can't be looked at. */
export function signalOne(identity: Identity, signal: NodeJS.Signals): boolean {
  const reading = findLiving(identity);
  return reading.known && reading.value !== null && trySignal(identity.pid, signal);
}

/** kill(2) with signal 0 checks the permission, and sends nothing. */
export function canSignal(target: number): 'yes' | 'no' | 'gone' {
  try {
    process.kill(target, 0);
    return 'yes';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'gone' : 'no';
  }
}

function trySignal(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    // ESRCH: it is gone. EPERM: not ours to signal; it is reported as still running.
    return false;
  }
}
