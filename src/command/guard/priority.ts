/**
 * Raises the CPU priority of the guard, as root or with CAP_SYS_NICE. Without that permission the
 * process keeps the priority of lockex; never throws.
 */
import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** Sets the highest priority, which children inherit. */
export function raisePriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_HIGHEST);
    // Between sessions only the autogroup's nice value counts: sched(7), "The autogroup feature".
    writeFileSync(`/proc/${pid}/autogroup`, String(constants.priority.PRIORITY_HIGHEST));
  } catch {
    // EACCES, EPERM; ENOENT if the kernel has no autogroups.
  }
}
