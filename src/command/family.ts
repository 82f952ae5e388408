/**
 * Which processes belong to the command, from one look at the process table: pure. The guard's
 * script asks the same of the same fields (guard-script.ts, `look`).
 *
 * What it can't find is a process that is in a session of its own, with an environment of its own,
 * whose parent had ended, all of it between two looks, and that has changed its brand (brand.ts);
 * and one that the service manager or another daemon started on the command's behalf.
 */
import { isLiving, type ProcessRecord, type ProcessTable } from './process-table.ts';
import type { Identity } from './types.ts';

export interface Traces {
  /** The command's first process; it leads its session and its group. */
  readonly first: Identity;
  /** Others that were seen to be the command's. */
  readonly recorded: readonly Identity[];
  /** Processes that carry the brand or the marker variable. */
  readonly marked: readonly number[];
}

/** Everything of the command that still runs. */
export function findFamily(table: ProcessTable, traces: Traces): readonly ProcessRecord[] {
  const known = new Set<number>(traces.marked);
  for (const identity of [traces.first, ...traces.recorded]) {
    // A number that nobody has is still its session's and its group's: the kernel gives it to no
    // other while one member lives.
    const holder = table.get(identity.pid);
    if (holder === undefined || holder.start === identity.start) known.add(identity.pid);
  }
  const isRelated = (record: ProcessRecord) =>
    known.has(record.parent) || known.has(record.session) || known.has(record.group);
  // What is older than the command was not started by it.
  const others = [...table.values()].filter(({ start }) => start >= traces.first.start);
  let size = -1;
  while (size !== known.size) {
    size = known.size;
    for (const record of others) if (isRelated(record)) known.add(record.pid);
  }
  return others.filter((record) => known.has(record.pid) && isLiving(record));
}
