/**
 * Which processes belong to the command, from one look at the process table: pure. The guard's
 * script asks the same of the same fields (guard-look.sh).
 *
 * docs/safety.md lists what can escape it, by environment.
 */

import type { Identity } from '../options.ts';
import { isLiving, type ProcessRecord, type ProcessTable } from './process-table.ts';

export interface Traces {
  /** The command's first process; it leads its session and its group. */
  readonly first: Identity;
  /** Adopts every process of the command whose parent has ended; null: there is none. */
  readonly init: Identity | null;
  /** Others that were seen to be the command's. */
  readonly recorded: readonly Identity[];
  /** Processes in the command's cgroup. */
  readonly members: readonly number[];
  /** Processes that carry one of its marks. */
  readonly marked: readonly number[];
}

/** Everything of the command that still runs. The init itself is lockex's, not the command's. */
export function findDescendants(table: ProcessTable, traces: Traces): readonly ProcessRecord[] {
  const { first, init, recorded, members, marked } = traces;
  const isInit = ({ pid, start }: Identity) => pid === init?.pid && start === init.start;
  const related = new Set<number>([...members, ...marked]);
  for (const identity of [first, ...recorded]) {
    // A number that no process has is still its session's and its group's: the kernel gives it to no
    // other while one member lives.
    const holder = table.get(identity.pid);
    if (holder === undefined || holder.start === identity.start) related.add(identity.pid);
  }
  const adopter = init === null ? undefined : table.get(init.pid);
  if (adopter !== undefined && isInit(adopter)) related.add(adopter.pid);
  const isRelated = (record: ProcessRecord) =>
    related.has(record.parent) || related.has(record.session) || related.has(record.group);
  // What is older than the command was not started by it, unless it was put into its cgroup.
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
 * Processes that may pass SIGTERM on to one of `foreign`, which lockex cannot signal: of each the nearest
 * ancestor that lockex can (sudo relays it). Killed at once, they could not.
 */
export function relaysOf(
  family: readonly ProcessRecord[],
  foreign: readonly ProcessRecord[],
): readonly ProcessRecord[] {
  const byPid = new Map(family.map((record) => [record.pid, record]));
  const strangers = new Set(foreign.map(({ pid }) => pid));
  const relays = new Set<ProcessRecord>();
  for (const { parent } of foreign) {
    let ancestor = byPid.get(parent);
    while (ancestor !== undefined && strangers.has(ancestor.pid)) {
      ancestor = byPid.get(ancestor.parent);
    }
    if (ancestor !== undefined) relays.add(ancestor);
  }
  return [...relays];
}
