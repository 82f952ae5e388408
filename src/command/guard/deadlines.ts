/**
 * When a command whose lease is not renewed is ended: by lockex, and a little later by its guard. Where
 * everything that the command started has to be looked for in the process table, both begin sooner by
 * what a look takes (`lookMs`): a shell's on a busy host may take longer than the rest of it.
 */
import type { LeaseInfo } from '../../../machines/contract.ts';
import type { Clock } from '../../util/clock.ts';
import { countProcesses, hasProcessTable } from '../processes/process-table.ts';

/** lockex kills a little before the guard does, which then finds nothing left to do. */
const AHEAD_OF_GUARD = 1.4;
/** With 2600 of them bash took 0.06, dash 0.1 and busybox 0.14; three times that on a busy host. */
const LOOK_MS_PER_PROCESS = 0.4;

/** What a guard takes for a look at all processes of the host, with room to spare. */
export function lookMsNow(): number {
  return countProcesses() * LOOK_MS_PER_PROCESS;
}

/** When lockex itself has to kill, for everything to be dead by the end of the lease. */
export function lastKillAt(lease: LeaseInfo, deadline: number, lookMs: number): number {
  return deadline - AHEAD_OF_GUARD * killingMarginMs(lease, lookMs);
}

/** What killing may take, taken from the end of the lease: the guard is the last to act. */
function killingMarginMs({ provenAt, stopAt, leaseEnd }: LeaseInfo, lookMs: number): number {
  const killingMs = Math.min(750, Math.max(50, (leaseEnd - stopAt) / 4));
  return killingMs + Math.min(lookMs, (leaseEnd - provenAt) / 3);
}

/** When the guard ends the command, if it hears nothing more. */
export function firingAt(lease: LeaseInfo, lookMs: number): number {
  return lease.leaseEnd - killingMarginMs(lease, lookMs);
}

/** The same in centiseconds of /proc/uptime; null where there is none. */
export function uptimeDeadline(lease: LeaseInfo, lookMs: number): number | null {
  return hasProcessTable ? Math.max(0, Math.floor(firingAt(lease, lookMs) / 10)) : null;
}

/** Where there is none, in seconds since 1970, rounded to the safe side. */
export function guardDeadline(lease: LeaseInfo, lookMs: number, clock: Clock): number {
  const at = uptimeDeadline(lease, lookMs);
  return at ?? Math.floor((Date.now() + firingAt(lease, lookMs) - clock.now()) / 1000);
}
