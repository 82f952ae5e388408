/**
 * What /proc says of processes that are not our children. A process is known by its id and its start
 * time together: ids are given again.
 */
import { readFileSync } from 'node:fs';
import type { Identity } from '../../src/command/options.ts';
import {
  findLiving,
  isLiving,
  readProcessTable as lookAtTable,
  type ProcessRecord,
  type ProcessTable,
  readProcess as readingOf,
} from '../../src/command/processes/process-table.ts';
import type { Reading } from '../../src/command/processes/reading.ts';

/** A test can't do without what it reads: @throws where it is unknown. */
export function certain<T>(reading: Reading<T>): T {
  if (!reading.known) throw new Error(reading.reason);
  return reading.value;
}

export function readProcess(pid: number): ProcessRecord | null {
  return certain(readingOf(pid));
}

export function readProcessTable(): ProcessTable {
  const { found, gap } = lookAtTable();
  if (gap !== null) throw new Error(gap);
  return found;
}

/** The living guards of a lockex: children with nothing but the word `guard` behind their script. */
export function guardsOf(lockexPid: number): Identity[] {
  return living().filter(({ pid, parent }) => {
    return parent === lockexPid && commandLine(pid).at(-1) === 'guard';
  });
}

/** The living inits of a lockex's commands: children with nothing but `init` behind their script. */
export function initsOf(lockexPid: number): Identity[] {
  return living().filter(({ pid, parent }) => {
    return parent === lockexPid && commandLine(pid).at(-1) === 'init';
  });
}

/** Living processes whose arguments name something in that directory. */
export function processesNaming(directory: string): Identity[] {
  return living().filter(({ pid }) => {
    return pid !== process.pid && commandLine(pid).some((word) => word.includes(`${directory}/`));
  });
}

/** The process itself, alive, and no other that has got its id since. */
export function isStill(identity: Identity): boolean {
  return certain(findLiving(identity)) !== null;
}

/** Signals it if it is still the same; false when it is gone. */
export function signal(identity: Identity, name: NodeJS.Signals): boolean {
  if (!isStill(identity)) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch {
    return false;
  }
}

export function describe({ pid }: Identity): string {
  return `${pid} (${commandLine(pid).join(' ').slice(0, 120)})`;
}

function living(): ProcessRecord[] {
  return [...readProcessTable().values()].filter(isLiving);
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}
