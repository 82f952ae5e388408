/**
 * Reads Linux's process table, /proc. Never signals anybody, and never throws: a process that is
 * gone while we look is simply not there.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Identity } from './types.ts';

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
export const hasProcessTable = readText('/proc/self/stat') !== null;

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
  const number = (field: number) => Number(rest[field - 3]);
  return {
    pid: Number.parseInt(text, 10),
    name: text.slice(open + 1, close),
    state: rest[0] ?? '?',
    parent: number(4),
    group: number(5),
    session: number(6),
    threads: number(20),
    start: number(22),
  };
}

export function readProcess(pid: number): ProcessRecord | null {
  const text = readText(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/** The very process that was meant, if it still runs. */
export function findLiving({ pid, start }: Identity): ProcessRecord | null {
  const record = readProcess(pid);
  return record !== null && record.start === start && isLiving(record) ? record : null;
}

export function readProcessTable(): ProcessTable {
  const table = new Map<number, ProcessRecord>();
  for (const entry of listProc()) {
    const record = readProcess(entry);
    if (record !== null) table.set(record.pid, record);
  }
  return table;
}

/** False where each user sees his own only (proc(5), hidepid). */
export function showsOthers(): boolean {
  return readProcess(1) !== null;
}

export function countProcesses(): number {
  return listProc().length;
}

/**
 * Children of a process, over all its threads; null where the kernel doesn't list them
 * (CONFIG_PROC_CHILDREN). Costs as much as the process has threads, whatever else runs on the host.
 */
export function readChildren(pid: number): readonly number[] | null {
  const children: number[] = [];
  for (const thread of listNumbers(`/proc/${pid}/task`)) {
    const text = readText(`/proc/${pid}/task/${thread}/children`);
    if (text === null) {
      if (readText(`/proc/${pid}/task/${thread}/stat`) !== null) return null;
      continue;
    }
    for (const word of text.split(' ')) if (word !== '') children.push(Number(word));
  }
  return children;
}

/** Whether a process was started with this variable, as far as it hasn't overwritten its own. */
export function hasVariable(pid: number, name: string): boolean {
  const text = readText(`/proc/${pid}/environ`);
  return text !== null && (text.startsWith(`${name}=`) || text.includes(`\0${name}=`));
}

function listProc(): readonly number[] {
  return listNumbers('/proc');
}

function listNumbers(folder: string): readonly number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
