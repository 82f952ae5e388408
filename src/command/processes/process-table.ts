/**
 * Reads Linux's process table, /proc. Never signals anything and never throws. Each reading is
 * known or unknown (reading.ts): a process that could not be read has not ended.
 */
import { type ProcessStat, parseStat } from '../../util/process-stat.ts';
import type { Identity } from '../options.ts';
import {
  isVisible,
  known,
  type Reading,
  readNumbers,
  readText,
  type Scan,
  unknown,
} from './reading.ts';

export type ProcessRecord = ProcessStat;

export type ProcessTable = ReadonlyMap<number, ProcessRecord>;

/** False on a host without /proc (macOS): only the process group can be found there. */
export const hasProcessTable = isProcThere();

/**
 * A zombie runs no code and holds no resources: it waits for its parent to reap it. But a process
 * whose first thread has ended while others run is also in state Z.
 */
export function isLiving({ state, threads }: ProcessRecord): boolean {
  if (state === 'Z') return threads > 1;
  return state !== 'X' && state !== 'x';
}

/** For messages: `name[pid]`. */
export function label(record: ProcessRecord): string {
  return `${record.name}[${record.pid}]`;
}

/**
 * null: no such process. Also for a process of another user where /proc is mounted with hidepid
 * (proc(5)): see `isGroupHidden` in signalling.ts.
 */
export function readProcess(pid: number): Reading<ProcessRecord | null> {
  const path = `/proc/${pid}/stat`;
  const text = readText(path);
  if (!text.known) return isVisible(path) ? text : known(null);
  if (text.value === null) return known(null);
  const record = parseStat(text.value);
  return record === null ? unknown(`cannot parse ${path}`) : known(record);
}

/** Start time of a process; 0, which no process has, if it cannot be read. */
export function startOf(pid: number): number {
  const reading = readProcess(pid);
  return reading.known ? (reading.value?.start ?? 0) : 0;
}

/** The process with this pid and start time if it is alive; null: it has ended. */
export function findLiving({ pid, start }: Identity): Reading<ProcessRecord | null> {
  const reading = readProcess(pid);
  if (!reading.known || reading.value === null) return reading;
  const record = reading.value;
  return known(record.start === start && isLiving(record) ? record : null);
}

export function readProcessTable(): Scan<ProcessTable> {
  const table = new Map<number, ProcessRecord>();
  const pids = readNumbers('/proc');
  if (!pids.known) return { found: table, gap: pids.reason };
  if (pids.value === null) return { found: table, gap: 'there is no /proc' };
  let gap: string | null = null;
  for (const pid of pids.value) {
    const reading = readProcess(pid);
    if (!reading.known) gap = reading.reason;
    else if (reading.value !== null) table.set(pid, reading.value);
  }
  return { found: table, gap };
}

/** False where a user sees only their own processes (proc(5), hidepid). */
export function showsOthers(): boolean {
  const init = readProcess(1);
  return !init.known || init.value !== null;
}

let lastCount = 0;

/** Number of processes on this host; the previous number if /proc cannot be read. */
export function countProcesses(): number {
  const pids = readNumbers('/proc');
  if (pids.known) lastCount = pids.value?.length ?? 0;
  return lastCount;
}

/**
 * Children of all threads of a process; null if the kernel does not list them
 * (CONFIG_PROC_CHILDREN), or they cannot be read. The cost grows with the number of threads, not
 * with the number of processes on the host.
 */
export function readChildren(pid: number): readonly number[] | null {
  const threads = readNumbers(`/proc/${pid}/task`);
  if (!threads.known) return null;
  const children: number[] = [];
  for (const thread of threads.value ?? []) {
    const text = readText(`/proc/${pid}/task/${thread}/children`);
    if (!text.known) return null;
    if (text.value === null) {
      const stat = readText(`/proc/${pid}/task/${thread}/stat`);
      if (!stat.known || stat.value !== null) return null;
      continue;
    }
    for (const word of text.value.split(' ')) if (word !== '') children.push(Number(word));
  }
  return children;
}

/** Real user id of a process (proc(5), status); null: it has ended. */
export function readUser(pid: number): Reading<number | null> {
  const text = readText(`/proc/${pid}/status`);
  if (!text.known || text.value === null) return text as Reading<null>;
  const uid = /^Uid:\s+(\d+)/m.exec(text.value)?.[1];
  return uid === undefined ? unknown(`cannot parse /proc/${pid}/status`) : known(Number(uid));
}

function isProcThere(): boolean {
  const text = readText('/proc/self/stat');
  return !text.known || text.value !== null;
}
