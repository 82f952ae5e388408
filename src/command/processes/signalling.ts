/**
 * Signals to processes and groups: a signal is sent to a pid only while it belongs to the process
 * that is meant.
 */
import type { Identity } from '../options.ts';
import { findLiving, type ProcessRecord, readProcess, showsOthers } from './process-table.ts';
import type { First } from './scope.ts';

/**
 * Sends a signal to all of the first process's group at one moment; false if the group has no
 * member. After that process was reaped, the group keeps its number while it has a member: the
 * kernel gives the number to no other process until then.
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
 * True if /proc hides the processes of other users (hidepid) and the group has a member. Processes
 * that have become another user's (sudo), or are about to, cannot be found otherwise. A zombie
 * looks the same until it is reaped.
 */
export function isGroupHidden(first: First): boolean {
  return !showsOthers() && hasGroup(first);
}

/** True if the first process's group has a member, zombies included. */
export function hasGroup({ identity }: First): boolean {
  return canSignal(-identity.pid) !== 'gone';
}

/** To the group at once, and to each other process by itself: each gets it once. */
export function signalEach(
  first: First,
  living: readonly ProcessRecord[],
  signal: NodeJS.Signals,
): void {
  const signalled = signalGroup(first, signal) ? first.identity.pid : null;
  for (const record of living) {
    if (record.group !== signalled) signalOne(record, signal);
  }
}

/** False if the process has ended, cannot be read, or must not be signalled. */
export function signalOne(identity: Identity, signal: NodeJS.Signals): boolean {
  const reading = findLiving(identity);
  return reading.known && reading.value !== null && trySignal(identity.pid, signal);
}

/** kill(2) with signal 0 only checks the permission. */
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
    // ESRCH: it is gone. EPERM: no permission; it is reported as still running.
    return false;
  }
}
