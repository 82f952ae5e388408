/**
 * What "everything that the command started" means on this host, and how it is signalled: the ladder
 * of means has one file for each (cgroup-reach.ts, tree-reach.ts, group-reach.ts). This file holds
 * what they share: a signal goes to a process only if it is still the one that was meant.
 */
import { findLiving, type ProcessRecord, readProcess, showsOthers } from './process-table.ts';
import type { Identity } from './types.ts';

/** The command's first process, as its parent knows it. */
export interface First {
  readonly identity: Identity;
  /** It has been reaped: its number, and its group's, may be another's. */
  readonly hasEnded: () => boolean;
}

export interface Reach {
  /** For the log: what this means finds. */
  readonly name: string;
  /** Nothing of the command lives any more: certain, not hoped. */
  isEmpty(): boolean;
  /** What of it lives, as far as it can be listed. */
  living(): readonly ProcessRecord[];
  /** Once to each process, and to stopped ones so that they act on it. */
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL to everything. May have to be repeated until `isEmpty`. */
  kill(): void;
  /** Takes note of who is there now; gives whom the guard should know. Cheap. */
  record(): readonly Identity[];
  /** Nothing is left: gives back what was made for it. */
  close(): void;
}

/**
 * One signal to all of the first process's group, at one moment for all; false where there is nobody.
 * Once that process was reaped and its number is nobody's, the group is its own still, or empty: the
 * kernel gives the number to no other while a member lives.
 */
export function signalGroup(first: First, signal: NodeJS.Signals): boolean {
  const { pid, start } = first.identity;
  const holder = readProcess(pid);
  // Also before its end was reported: its parent, the init, may have reaped it a moment ago.
  if (holder !== null && (first.hasEnded() || holder.start !== start)) return false;
  return trySignal(-pid, signal);
}

/**
 * Where /proc shows nobody the processes of others (hidepid), those that have become another user's
 * (sudo), or are about to, are told by this alone: their group is there. The number is not given to
 * another while they live. (A zombie looks the same, until it is reaped.)
 */
export function isGroupHidden(first: First): boolean {
  return !showsOthers() && hasGroup(first);
}

/** Whether anything is in the first process's group, zombies included. */
export function hasGroup({ identity }: First): boolean {
  try {
    return process.kill(-identity.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** To the group at once, and to each of the others by itself: nobody gets it twice. */
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

/** Not to another process that was given the number since. */
export function signalOne(identity: Identity, signal: NodeJS.Signals): boolean {
  return findLiving(identity) !== null && trySignal(identity.pid, signal);
}

function trySignal(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    // ESRCH: it is gone. EPERM: not ours to signal; it shows as undying.
    return false;
  }
}
