/**
 * What /proc says of processes that are not our children. A process is known by its id and its start
 * time together: ids are given again.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot (proc(5), field 22 of stat). */
  readonly start: string;
}

/** The living guards of a lockex: children with nothing but the word `guard` behind their script. */
export function guardsOf(lockexPid: number): ProcessId[] {
  return processes().filter(({ pid, parent }) => {
    return parent === lockexPid && commandLine(pid).at(-1) === 'guard';
  });
}

/** Living processes whose arguments name something in that folder. */
export function processesNaming(folder: string): ProcessId[] {
  return processes().filter(({ pid }) => {
    return pid !== process.pid && commandLine(pid).some((word) => word.includes(`${folder}/`));
  });
}

/** The process itself, alive, and no other that has got its id since. */
export function isStill({ pid, start }: ProcessId): boolean {
  return statOf(pid)?.start === start;
}

/** Signals it if it is still the same; false when it is gone. */
export function signal(process_: ProcessId, name: NodeJS.Signals): boolean {
  if (!isStill(process_)) return false;
  try {
    process.kill(process_.pid, name);
    return true;
  } catch {
    return false;
  }
}

export function describe({ pid }: ProcessId): string {
  return `${pid} (${commandLine(pid).join(' ').slice(0, 120)})`;
}

interface Listed extends ProcessId {
  readonly parent: number;
}

function processes(): Listed[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
}

/** Undefined when it is gone, or a zombie. */
function statOf(pid: number): Listed | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The fields follow the name, which is in parentheses and may hold any character itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state = '', parent = ''] = fields;
    return 'ZX'.includes(state)
      ? undefined
      : { pid, start: fields[19] ?? '', parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}
