/**
 * The guard's deadline in the units of its shell's clock, and the duration of its scan of the
 * process table. The schedule itself is `src/util/deadlines.ts`.
 */
import type { LeaseInfo } from '../../../machines/contract.ts';
import type { Clock } from '../../util/clock.ts';
import { killDeadlines } from '../../util/deadlines.ts';
import { countProcesses, hasProcessTable } from '../processes/process-table.ts';

/**
 * With 2600 processes, bash took 0.06, dash 0.1 and busybox 0.14; three times that on a busy host.
 */
const SCAN_MS_PER_PROCESS = 0.4;

/** Duration of a guard's scan of all processes of this host, with a margin; milliseconds. */
export function scanMsNow(): number {
  return countProcesses() * SCAN_MS_PER_PROCESS;
}

/** Time at which lockex sends SIGKILL, so that all processes are dead by `deadline`. */
export function lastKillBefore(deadline: number, lease: LeaseInfo, scanMs: number): number {
  return deadline - (lease.leaseEnd - killDeadlines(lease, scanMs).lastKillAt);
}

/** Centiseconds of /proc/uptime; null on a host without it. */
export function uptimeDeadline(lease: LeaseInfo, scanMs: number): number | null {
  if (!hasProcessTable) return null;
  return Math.max(0, Math.floor(killDeadlines(lease, scanMs).guardFiresAt / 10));
}

/**
 * In the unit of a `beat` line (guard.sh): without /proc/uptime, seconds since 1970, rounded down.
 */
export function guardDeadline(lease: LeaseInfo, scanMs: number, clock: Clock): number {
  const inMs = killDeadlines(lease, scanMs).guardFiresAt - clock.now();
  return uptimeDeadline(lease, scanMs) ?? Math.floor((Date.now() + inMs) / 1000);
}
