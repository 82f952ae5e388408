/**
 * Reads Linux's process table, /proc. Never signals anything and never throws. Each reading is known or
 * unknown (reading.ts): a process that could not be looked at is not one that has ended.
 */

import type { Identity } from '../options.ts';
import {
  isVisible,
  known,
  type Look,
  type Reading,
  readNumbers,
  readText,
  unknown,
} from './reading.ts';

export interface ProcessRecord extends Identity {
  /** The kernel's short name: what `ps -o comm` shows. */
  readonly name: string;
  /** R, S, D, T, Z, … */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly threads: number;
}

export type ProcessTable = ReadonlyMap<number, ProcessRecord>;

/** False where there is no /proc (macOS): then only the process group can be reached. */
export const hasProcessTable = isProcThere();

/**
 * A zombie only waits for its parent to look: it runs nothing and holds nothing. Unless it has other
 * threads than its first: that one looks like a zombie as soon as it has ended.
 */
export function isLiving({ state, threads }: ProcessRecord): boolean {
  if (state === 'Z') return threads > 1;
  return state !== 'X' && state !== 'x';
}

/** As people read it: `name[pid]`. */
export function label(record: ProcessRecord): string {
  return `${record.name}[${record.pid}]`;
}

/** One line of /proc/PID/stat (proc(5)). The name may hold blanks and parentheses. */
export function parseStat(text: string): ProcessRecord | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const rest = text.slice(close + 2).split(' ');
  const number = (field: number) => Number(rest[field - 3] ?? Number.NaN);
  const record = {
    pid: Number.parseInt(text, 10),
    name: text.slice(open + 1, close),
    state: rest[0] ?? '?',
    parent: number(4),
    group: number(5),
    session: number(6),
    threads: number(20),
    start: number(22),
  };
  const { pid, parent, group, session, threads, start } = record;
  return [pid, parent, group, session, threads, start].every(Number.isFinite) ? record : null;
}

/**
 * null: no such process, or one that this /proc shows to its own user only (hidepid, proc(5)):
 * there every process of another user looks as if it had ended (reach.ts, `isGroupHidden`).
 */
export function readProcess(pid: number): Reading<ProcessRecord | null> {
  const path = `/proc/${pid}/stat`;
  const text = readText(path);
  if (!text.known) return isVisible(path) ? text : known(null);
  if (text.value === null) return known(null);
  const record = parseStat(text.value);
  return record === null ? unknown(`cannot parse ${path}`) : known(record);
}

/** When a process was started; 0, which no process was, where that can't be read. */
export function startOf(pid: number): number {
  const reading = readProcess(pid);
  return reading.known ? (reading.value?.start ?? 0) : 0;
}

/** The very process that was meant, if it still runs; null: it has ended. */
export function findLiving({ pid, start }: Identity): Reading<ProcessRecord | null> {
  const reading = readProcess(pid);
  if (!reading.known || reading.value === null) return reading;
  const record = reading.value;
  return known(record.start === start && isLiving(record) ? record : null);
}

export function readProcessTable(): Look<ProcessTable> {
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

/** False where each user sees his own only (proc(5), hidepid). */
export function showsOthers(): boolean {
  const init = readProcess(1);
  return !init.known || init.value !== null;
}

let lastCount = 0;

/** Where they can't be counted, as many as the last time. */
export function countProcesses(): number {
  const pids = readNumbers('/proc');
  if (pids.known) lastCount = pids.value?.length ?? 0;
  return lastCount;
}

/**
 * Children of a process, over all its threads; null where the kernel doesn't list them
 * (CONFIG_PROC_CHILDREN), or they can't be read. Costs as much as the process has threads, whatever
 * else runs on the host.
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

/** User ids of a process (proc(5), status): the real one. null: it has ended. */
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
