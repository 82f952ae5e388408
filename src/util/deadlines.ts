/**
 * The one schedule of a lease's deadlines, shared by the lease (which ends the wait for a renewal)
 * and by the command's supervisor and its guard (which end the command). Pure; milliseconds of
 * `clock.ts`.
 *
 *   provenAt ≤ stopAt ≤ last kill < guard fires < leaseEnd
 *
 * - stopAt: lockex begins to stop the command (SIGTERM), with the whole grace still ahead.
 * - last kill: lockex sends SIGKILL, whatever is left of the grace.
 * - guard fires: the guard sends SIGKILL, for a lockex that is dead or hangs.
 * - leaseEnd: the leader may give the lock to another contender from here on.
 *
 * Where the command's processes have to be found in the process table (no init), the last two come
 * earlier by the duration of one scan, `scanMs`, and may come before stopAt where `--kill-after` is
 * shorter than that: then an outage is survived for less long, and nothing else changes.
 */
import type { LeaseInfo } from '../../machines/contract.ts';

/** How far our clock and the leader's may drift apart: 0.2 %, and one step of /proc/uptime each. */
const DRIFT_RATIO = 0.002;
export const CLOCK_STEP_MS = 10;
/** lockex kills a little before the guard does, which then finds nothing left to do. */
const AHEAD_OF_GUARD = 1.4;

/** What is proven of a session, and what its command needs. */
export interface LeaseTerms {
  /** Sending of the newest proven touch. */
  readonly provenAt: number;
  /** The smallest T that was granted in the session's life. */
  readonly timeoutMs: number;
  /** Grace between SIGTERM and SIGKILL (`--kill-after`). */
  readonly killAfterMs: number;
}

export interface KillDeadlines {
  /** When lockex sends SIGKILL for everything to be dead by the end of the lease. */
  readonly lastKillAt: number;
  /** When the guard kills the command if it gets no newer deadline. */
  readonly guardFiresAt: number;
}

/** When a command under this lease has to be stopped, and when the lease ends. */
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

/** What a SIGKILL and the proof that it worked may take on a busy host. */
function killReserveMs(timeoutMs: number): number {
  return Math.min(1000, Math.max(100, timeoutMs / 40));
}
