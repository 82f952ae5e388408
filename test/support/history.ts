/**
 * The history of one lock: the journal of its holders, with monotonic time, and the kills by the
 * test. Parses journals, rejects malformed ones, and groups entries into runs. Pure.
 */

/** How a run holds the lock; `permit`: as one of the holders of a semaphore. */
export type Access = 'exclusive' | 'shared' | 'permit';

/** A entry in the journal of a holder. `at`: microseconds of CLOCK_MONOTONIC, an integer. */
export interface JournalEntry {
  readonly at: number;
  /**
   * `begin` and `end` are the first and the last of a run's main process. `write`: it has read
   * `value - 1` from the shared counter, and writes `value` next; `wrote`: it has. `read`: it has
   * read `value` and changes nothing. `step`: it, or a process that it started, is alive.
   */
  readonly event: 'begin' | 'write' | 'wrote' | 'read' | 'step' | 'end';
  /** The contender, which runs the command repeatedly. */
  readonly contender: string;
  /** One execution of the command; unique. */
  readonly run: string;
  readonly pid: number;
  /** The fencing token. */
  readonly token: number;
  readonly access: Access;
  readonly value?: number;
}

/** The test has killed the contender's lockex. */
export interface Kill {
  readonly at: number;
  readonly event: 'kill';
  readonly contender: string;
}

export type HistoryEvent = JournalEntry | Kill;

/** Alive from its first to its last entry, including those of processes that it started. */
export interface Run {
  readonly name: string;
  readonly contender: string;
  readonly token: number;
  readonly access: Access;
  readonly first: number;
  readonly last: number;
  /** Its main process has finished its work. */
  readonly ended: boolean;
  /** Ordered by time. */
  readonly entries: readonly JournalEntry[];
}

/** The history is malformed or contradictory; the message says why. */
export class MalformedHistory extends Error {}

const EVENTS: readonly unknown[] = ['begin', 'write', 'wrote', 'read', 'step', 'end'];
/** Smallest value of these entries; the others have no value. */
const MIN_VALUE: Readonly<Record<string, number>> = { write: 1, wrote: 1, read: 0 };
/** Allowed operations on the counter. */
const COUNTER_EVENTS: Readonly<Record<Access, readonly JournalEntry['event'][]>> = {
  exclusive: ['write', 'wrote', 'read'],
  shared: ['read'],
  permit: [],
};

/**
 * Parses one JSON object per line. A truncated or malformed line invalidates the whole journal.
 *
 * @throws {MalformedHistory}
 */
export function parseJournal(text: string): JournalEntry[] {
  check(text !== '', 'the journal is empty');
  check(text.endsWith('\n'), 'the journal ends in the middle of a line');
  return text
    .slice(0, -1)
    .split('\n')
    .map((line, index) => {
      const entry = entryOf(line);
      check(entry !== undefined, `line ${index + 1} is not an entry: ${line.slice(0, 200)}`);
      return entry;
    });
}

function entryOf(line: string): JournalEntry | undefined {
  let entry: Partial<Record<keyof JournalEntry, unknown>> | null;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { at, event, contender, run, pid, token, access, value } = entry;
  const minValue = MIN_VALUE[String(event)];
  const wellFormed =
    [at, pid, token].every(isCount) &&
    [contender, run].every((name) => typeof name === 'string' && name !== '') &&
    EVENTS.includes(event) &&
    Object.hasOwn(COUNTER_EVENTS, String(access)) &&
    (minValue === undefined ? value === undefined : isCount(value) && value >= minValue);
  return wellFormed ? (entry as JournalEntry) : undefined;
}

/**
 * Sorts entries by time; entries of the same microsecond keep the order of the journal.
 *
 * @throws {MalformedHistory} if the clock of a process went back
 */
export function inOrderOfTime(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const lastAt = new Map<string, number>();
  for (const { at, run, pid } of entries) {
    const process = `${pid} of ${run}`;
    check((lastAt.get(process) ?? 0) <= at, `the clock of process ${process} went back`);
    lastAt.set(process, at);
  }
  return entries.toSorted((a, b) => a.at - b.at);
}

/** Ordered by their first entries. @throws {MalformedHistory} */
export function runsOf(inTime: readonly JournalEntry[]): readonly Run[] {
  const runs = new Map<
    string,
    Run & { last: number; ended: boolean; readonly entries: JournalEntry[] }
  >();
  for (const entry of inTime) {
    const { at, event, run: name, contender, token, access } = entry;
    const run = runs.get(name);
    if (event === 'begin') {
      check(run === undefined, `${name} begins twice`);
      const base = { name, contender, token, access, first: at, last: at };
      runs.set(name, { ...base, ended: false, entries: [entry] });
      continue;
    }
    check(run !== undefined, `${name} has an entry before its begin`);
    check(run.token === token, `${name} changes its token`);
    check(run.contender === contender, `${name} changes its contender`);
    check(run.access === access, `${name} changes its access`);
    check(event === 'step' || !run.ended, `${name} continues after its end`);
    const mayDo = event === 'step' || event === 'end' || COUNTER_EVENTS[access].includes(event);
    check(mayDo, `${name} has ${access} access, but an entry '${event}'`);
    run.last = at;
    run.entries.push(entry);
    if (event === 'end') run.ended = true;
  }
  return [...runs.values()];
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** @throws {MalformedHistory} */
export function check(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new MalformedHistory(otherwise);
}
