/**
 * Finds the command's processes in one scan of the process table. Pure. The guard's script does the
 * same with the same fields (guard-scan.sh).
 *
 * docs/safety.md lists the processes that can escape, for each environment.
 */
import type { Identity } from '../options.ts';
import { isLiving, type ProcessRecord, type ProcessTable } from './process-table.ts';

export interface Traces {
  /** The command's first process; it leads its session and its group. */
  readonly first: Identity;
  /** Adopts every process of the command whose parent has ended; null: it has no init. */
  readonly init: Identity | null;
  /** Other processes of the command that were seen before. */
  readonly recorded: readonly Identity[];
  /** Processes in the command's cgroup. */
  readonly members: readonly number[];
  /** Processes that carry one of the command's marks. */
  readonly marked: readonly number[];
}

/** Living processes of the command. The init is not one of them. */
export function findDescendants(table: ProcessTable, traces: Traces): readonly ProcessRecord[] {
  const { first, init, recorded, members, marked } = traces;
  const isInit = ({ pid, start }: Identity) => pid === init?.pid && start === init.start;
  const related = new Set<number>([...members, ...marked]);
  for (const identity of [first, ...recorded]) {
    // The pid of a process that has ended still identifies its session and its group: the kernel
    // does not reuse it while one member lives.
    const holder = table.get(identity.pid);
    if (holder === undefined || holder.start === identity.start) related.add(identity.pid);
  }
  const adopter = init === null ? undefined : table.get(init.pid);
  if (adopter !== undefined && isInit(adopter)) related.add(adopter.pid);
  const isRelated = (record: ProcessRecord) =>
    related.has(record.parent) || related.has(record.session) || related.has(record.group);
  // An older process was not started by the command, unless it was moved into its cgroup.
  const moved = new Set(members);
  const others = [...table.values()].filter(
    (record) => (record.start >= first.start || moved.has(record.pid)) && !isInit(record),
  );
  let size = -1;
  while (size !== related.size) {
    size = related.size;
    for (const record of others) if (isRelated(record)) related.add(record.pid);
  }
  return others.filter((record) => related.has(record.pid) && isLiving(record));
}

/**
 * Processes that may forward SIGTERM to one of `foreign`, which lockex cannot signal: for each, the
 * nearest ancestor that it can signal (such as sudo). A killed process forwards nothing.
 */
export function relaysOf(
  descendants: readonly ProcessRecord[],
  foreign: readonly ProcessRecord[],
): readonly ProcessRecord[] {
  const byPid = new Map(descendants.map((record) => [record.pid, record]));
  const foreignPids = new Set(foreign.map(({ pid }) => pid));
  const relays = new Set<ProcessRecord>();
  for (const { parent } of foreign) {
    let ancestor = byPid.get(parent);
    while (ancestor !== undefined && foreignPids.has(ancestor.pid)) {
      ancestor = byPid.get(ancestor.parent);
    }
    if (ancestor !== undefined) relays.add(ancestor);
  }
  return [...relays];
}
