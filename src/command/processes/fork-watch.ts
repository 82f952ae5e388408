/**
 * Finds chains of processes that each fork the next one and exit, which are faster than a scan of
 * the process table. Needed only if the command has neither an init nor a cgroup.
 */
import { type ProcessRecord, readProcess } from './process-table.ts';
import { known, type Reading, readText, unknown } from './reading.ts';

/** Duration of one watch; longer than a chain needs to fork again. */
const WATCH_MS = 30;

/**
 * Processes and threads created on this host since boot (proc(5), /proc/stat, `processes`). If it
 * is the same before and after a scan, no process was created meanwhile, and the scan missed none.
 */
export function countForks(): Reading<number> {
  const text = readText('/proc/stat');
  if (!text.known) return text;
  const count = /^processes (\d+)$/m.exec(text.value ?? '')?.[1];
  return count === undefined ? unknown('no count of forks in /proc/stat') : known(Number(count));
}

/** Checks each new process as soon as it has a pid, for 30 ms; true at the first that `isOwn`. */
export function seesFork(isOwn: (record: ProcessRecord) => boolean): boolean {
  const end = process.uptime() * 1000 + WATCH_MS;
  let last = 0;
  while (process.uptime() * 1000 < end) {
    const pid = newestPid();
    if (pid === null) return false;
    if (pid === last) continue;
    last = pid;
    const reading = readProcess(pid);
    if (reading.known && reading.value !== null && isOwn(reading.value)) return true;
  }
  return false;
}

/** The pid that was assigned last in this pid namespace (fs/proc/loadavg.c). */
function newestPid(): number | null {
  const text = readText('/proc/loadavg');
  if (!text.known) return null;
  const pid = Number(text.value?.trim().split(' ').at(-1));
  return Number.isInteger(pid) ? pid : null;
}
