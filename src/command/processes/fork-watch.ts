/**
 * Finds chains of processes, each of which forks the next one and ends: they are quicker than a look at
 * the whole process table. Needed only where neither an init nor a cgroup holds the command.
 */
import { type ProcessRecord, readProcess } from './process-table.ts';
import { known, type Reading, readText, unknown } from './reading.ts';

/** How long new processes are watched on a host where others fork as well. */
const WATCH_MS = 30;

/**
 * Processes and threads made on this host since boot (proc(5), /proc/stat, `processes`). The same
 * before and after a look: no process was made meanwhile, and the look has missed none.
 */
export function countForks(): Reading<number> {
  const text = readText('/proc/stat');
  if (!text.known) return text;
  const count = /^processes (\d+)$/m.exec(text.value ?? '')?.[1];
  return count === undefined ? unknown('no count of forks in /proc/stat') : known(Number(count));
}

/**
 * Looks at each new process as soon as it has its number, for 30 ms; true at the first one for which
 * `isOurs` says so.
 */
export function seesFork(isOurs: (record: ProcessRecord) => boolean): boolean {
  const end = process.uptime() * 1000 + WATCH_MS;
  let last = 0;
  while (process.uptime() * 1000 < end) {
    const pid = newestPid();
    if (pid === null) return false;
    if (pid === last) continue;
    last = pid;
    const reading = readProcess(pid);
    if (reading.known && reading.value !== null && isOurs(reading.value)) return true;
  }
  return false;
}

/** The number that was given last in our pid namespace (fs/proc/loadavg.c). */
function newestPid(): number | null {
  const text = readText('/proc/loadavg');
  if (!text.known) return null;
  const pid = Number(text.value?.trim().split(' ').at(-1));
  return Number.isInteger(pid) ? pid : null;
}
