/**
 * Sends signals to processes and groups: to a pid only while it belongs to the intended process.
 */
import type { Identity } from '../options.ts';
import { findLiving, type ProcessRecord, readProcess, showsOthers } from './process-table.ts';
import type { First } from './scope.ts';

/**
 * Sends a signal to all members of the first process's group at once; false if the group has no
 * member. While the group has a member, the kernel does not reuse its id, even if the first process
 * has been reaped.
 */
export function signalGroup(first: First, signal: NodeJS.Signals): boolean {
  const { pid, start } = first.identity;
  const holder = readProcess(pid);
  if (!holder.known) {
    if (first.hasEnded()) return false;
    // Also if its end was not reported yet: its parent, the init, may have reaped it just now.
  } else if (holder.value !== null && (first.hasEnded() || holder.value.start !== start)) {
    return false;
  }
  return trySignal(-pid, signal);
}

/**
 * True if /proc hides the processes of other users (hidepid) and the group has a member. This is
 * the only way to find processes that change their user (sudo). A zombie counts until it is reaped.
 */
export function isGroupHidden(first: First): boolean {
  return !showsOthers() && hasGroup(first);
}

/** True if the first process's group has a member, zombies included. */
export function hasGroup({ identity }: First): boolean {
  return canSignal(-identity.pid) !== 'gone';
}

/** Sends a signal to the group, and to each other process individually: each gets it once. */
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
