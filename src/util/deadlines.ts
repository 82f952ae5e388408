/**
 * The schedule of a lease's deadlines, shared by the lease, which ends the wait for a renewal, and
 * by the supervisor and the guard, which end the command. Pure; milliseconds of `clock.ts`.
 *
 *   provenAt ≤ stopAt ≤ last kill < guard fires < leaseEnd
 *
 * - stopAt: lockex begins to stop the command (SIGTERM), with the whole grace still ahead.
 * - last kill: lockex sends SIGKILL, even if the grace has not elapsed.
 * - guard fires: the guard sends SIGKILL, in case lockex is dead or hangs.
 * - leaseEnd: the leader may give the lock to another contender from here on.
 *
 * If the command's processes have to be found in the process table (no init), the last kill and the
 * guard are earlier by the duration of one scan, `scanMs`. They may be before stopAt if
 * `--kill-after` is shorter than a scan: then the command survives only shorter outages.
 */
import type { LeaseInfo } from '../../machines/contract.ts';

/** Maximum drift between our clock and the leader's: 0.2 %, plus one step of /proc/uptime each. */
const DRIFT_RATIO = 0.002;
export const CLOCK_STEP_MS = 10;
/** lockex kills a little before the guard, which then finds no process. */
const AHEAD_OF_GUARD = 1.4;

/** The facts that determine a lease's deadlines. */
export interface LeaseTerms {
  /** Send time of the newest proven touch. */
  readonly provenAt: number;
  /** The smallest T that was granted in the session's life. */
  readonly timeoutMs: number;
  /** Grace between SIGTERM and SIGKILL (`--kill-after`). */
  readonly killAfterMs: number;
}

export interface KillDeadlines {
  /** Time at which lockex sends SIGKILL, so that all processes are dead by the end of the lease. */
  readonly lastKillAt: number;
  /** Time at which the guard kills the command if it gets no newer deadline. */
  readonly guardFiresAt: number;
}

/** The times at which a command under this lease has to be stopped, and at which the lease ends. */
export function leaseDeadlines({ provenAt, timeoutMs, killAfterMs }: LeaseTerms): LeaseInfo {
  const leaseEnd = provenAt + timeoutMs - timeoutMs * DRIFT_RATIO - 2 * CLOCK_STEP_MS;
  const stopAt = leaseEnd - Math.min(killAfterMs, timeoutMs / 6) - killReserveMs(timeoutMs);
  return { provenAt, leaseEnd, stopAt: Math.max(provenAt, stopAt) };
}

/** `scanMs`: the duration of a scan of the process table by the guard; 0 where it needs none. */
export function killDeadlines(lease: LeaseInfo, scanMs: number): KillDeadlines {
  const { provenAt, stopAt, leaseEnd } = lease;
  const killMs = Math.min(750, Math.max(50, (leaseEnd - stopAt) / 4));
  const marginMs = killMs + Math.min(scanMs, (leaseEnd - provenAt) / 3);
  const lastKillAt = Math.max(provenAt, leaseEnd - AHEAD_OF_GUARD * marginMs);
  return { lastKillAt, guardFiresAt: leaseEnd - marginMs };
}

/** Time for a SIGKILL and the proof that it worked, on a busy host. */
function killReserveMs(timeoutMs: number): number {
  return Math.min(1000, Math.max(100, timeoutMs / 40));
}
