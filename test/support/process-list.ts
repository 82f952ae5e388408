/**
 * Queries /proc for processes that are not children. A process is identified by its id and start
 * time, because ids are reused.
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

/** The value of a reading. @throws if it is unknown */
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

/** The living guards of a lockex: children whose only argument after their script is `guard`. */
export function guardsOf(lockexPid: number): Identity[] {
  return living().filter(({ pid, parent }) => {
    return parent === lockexPid && commandLine(pid).at(-1) === 'guard';
  });
}

/** The living inits of a lockex's commands: children whose last argument is `init`. */
export function initsOf(lockexPid: number): Identity[] {
  return living().filter(({ pid, parent }) => {
    return parent === lockexPid && commandLine(pid).at(-1) === 'init';
  });
}
/** Living processes with an argument that contains a path in that directory. */
export function processesNaming(directory: string): Identity[] {
  return living().filter(({ pid }) => {
    return (
      pid !== process.pid && commandLine(pid).some((argument) => argument.includes(`${directory}/`))
    );
  });
}

/** True if the process is alive, and its id was not reused. */
export function isStill(identity: Identity): boolean {
  return certain(findLiving(identity)) !== null;
}

/** Signals it if it is still alive; returns false if not. */
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
