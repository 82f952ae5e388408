/** CPU, memory and descendants of processes, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';
import { readProcess } from '../../src/command/processes/process-table.ts';

/** A process and all its descendants. */
export function descendantsOf(root: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: parentOf(Number(name)) }));
  const found = [root];
  for (const pid of found) {
    for (const process of parents) if (process.parent === pid) found.push(process.pid);
  }
  return found;
}

/**
 * The CPU time that processes use. /proc drops a thread's time when it exits, and runtimes end idle
 * threads after ten seconds: read it at least that often.
 */
export class CpuMeter {
  #pids;
  #perThread: Map<string, number> = new Map();

  constructor(pids: number[]) {
    this.#pids = pids;
  }

  /** Milliseconds so far, of all threads that were ever seen. */
  read() {
    for (const pid of this.#pids) {
      for (const thread of namesIn(`/proc/${pid}/task`)) {
        const schedstat = textOf(`/proc/${pid}/task/${thread}/schedstat`);
        if (schedstat !== '') this.#perThread.set(thread, Number(schedstat.split(' ')[0]) / 1e6);
      }
    }
    return [...this.#perThread.values()].reduce((a, b) => a + b, 0);
  }
}

/** MB by /proc/PID/smaps_rollup. */
export function memoryOf(pids: number[], kind: 'Private' | 'Pss' | 'Rss') {
  const pattern =
    kind === 'Private' ? /^Private_\w+:\s+(\d+)/gm : new RegExp(`^${kind}:\\s+(\\d+)`, 'gm');
  const kilobytes = pids.flatMap((pid) =>
    [...textOf(`/proc/${pid}/smaps_rollup`).matchAll(pattern)].map((match) => Number(match[1])),
  );
  return kilobytes.reduce((a, b) => a + b, 0) / 1024;
}

function parentOf(pid: number) {
  const process = readProcess(pid);
  return process.known ? (process.value?.parent ?? 0) : 0;
}

function textOf(file: string) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

function namesIn(directory: string) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
