/**
 * CPU time for a process that others depend on, where lockex may give it: as root, or with CAP_SYS_NICE.
 * Never fails: without the right to, the process keeps the priority of lockex.
 */
import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** The highest of ordinary processes. Children inherit it. */
export function raisePriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_HIGHEST);
    // Between sessions only this counts: sched(7), "The autogroup feature".
    writeFileSync(`/proc/${pid}/autogroup`, String(constants.priority.PRIORITY_HIGHEST));
  } catch {
    // EACCES, EPERM; ENOENT where the kernel has no autogroups.
  }
}
