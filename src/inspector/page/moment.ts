/** The state of a run at one time: what the page shows. Pure. */
import type { FeedEntry, FeedHead } from '../feed.ts';
import type { LockReport, Run } from './run.ts';

export interface LeaseLeft {
  readonly leftMs: number;
  /** Until lockex starts to stop the command; negative: it has started. */
  readonly stopInMs: number;
  /** The longest lease: for the bar's scale. */
  readonly wholeMs: number;
}

export interface Moment {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly head: FeedHead;
  readonly entry: FeedEntry;
  readonly index: number;
  /** The entry that began the stay in this state. */
  readonly first: FeedEntry;
  readonly forMs: number;
  /** null: no lock is held. */
  readonly lease: LeaseLeft | null;
  readonly lock: LockReport | null;
  /** Of lockex; null until it has exited. */
  readonly exitCode: number | null;
  /** Milliseconds until `-t` runs out; null: not waiting, or no limit. */
  readonly waitLeftMs: number | null;
  /** Milliseconds until `--max-runtime` ends the command; null: no limit, or no command. */
  readonly runLeftMs: number | null;
}

/** Returns null while nothing is known. */
export function momentOf(run: Run, time: number): Moment | null {
  const index = run.indexAt(time);
  const entry = run.entries[index];
  const first = run.entries[run.stayStart(index)];
  if (entry === undefined || first === undefined) return null;
  const isLast = index === run.entries.length - 1;
  return {
    ...{ time, head: run.head, entry, index, first },
    forMs: Math.max(0, time - first.at),
    lease: leaseLeft(entry, time),
    lock: run.lockAt(time),
    exitCode: isLast ? run.exitCode : null,
    waitLeftMs: waitLeft(run, index, time),
    runLeftMs: runLeft(run, index, time),
  };
}

/** The timer of `-t` starts with the first session, and again after a command has run. */
function waitLeft(run: Run, index: number, time: number): number | null {
  const { waitMs } = run.head.limits;
  const [oldest] = run.entries;
  // Not known if the beginning of the run is missing.
  if (waitMs === null || oldest?.number !== 1) return null;
  if (run.entries[index]?.state !== 'waiting') return null;
  const started = lastOf(run, 'command.started', index);
  const start = run.entries.findIndex(
    ({ event }, position) => position > started && event?.type === 'session.established',
  );
  return Math.max(0, (run.entries[start]?.at ?? time) + waitMs - time);
}

function runLeft(run: Run, index: number, time: number): number | null {
  const { maxRuntimeMs } = run.head.limits;
  const start = run.entries[lastOf(run, 'command.started', index)];
  if (maxRuntimeMs === null || start === undefined) return null;
  return Math.max(0, start.at + maxRuntimeMs - time);
}

/** The index of the last entry with this event up to `index`; -1: none. */
function lastOf(run: Run, event: string, index: number): number {
  return run.entries.findLastIndex(
    (entry, position) => position <= index && entry.event?.type === event,
  );
}

/** Between two entries the lease decreases. */
export function leaseLeft(entry: FeedEntry, time: number): LeaseLeft | null {
  const { lease, timeoutMs, loss } = entry.facts;
  if (!isHeld(entry) || lease === null || timeoutMs === null) return null;
  // Another contender may hold the lock already.
  if (loss !== null && loss.leftMs === null) return null;
  const elapsed = Math.max(0, time - entry.at);
  return {
    leftMs: Math.max(0, lease.leftMs - elapsed),
    stopInMs: lease.stopInMs - elapsed,
    wholeMs: Math.max(timeoutMs, lease.leftMs),
  };
}

/** The lease counts only where the lock may be held: see LockexTag. */
export function isHeld({ tags }: FeedEntry): boolean {
  return tags.includes('lockHeld');
}
