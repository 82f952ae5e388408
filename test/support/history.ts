/**
 * The history of one lock: what its holders journaled, with monotonic time, and the kills from
 * outside. Parses a journal, refuses one that cannot be judged, and groups deeds into runs. Pure.
 */

/** How a run holds the lock. `permit`: one of a semaphore's. */
export type Access = 'exclusive' | 'shared' | 'permit';

/** A deed of a holder, as it journaled it. `at`: microseconds of CLOCK_MONOTONIC, whole. */
export interface Deed {
  readonly at: number;
  /**
   * `begin` and `end` are the first and the last of a run's main process. `write`: it has read
   * `value - 1` from the shared counter, and writes `value` next; `wrote`: it has. `read`: it has
   * read `value` and changes nothing. `step`: it, or a process that it started, is alive.
   */
  readonly event: 'begin' | 'write' | 'wrote' | 'read' | 'step' | 'end';
  /** Who contends, time and again. */
  readonly contender: string;
  /** One command under one lock; never used twice. */
  readonly run: string;
  readonly pid: number;
  /** The fencing token. */
  readonly token: number;
  readonly access: Access;
  readonly value?: number;
}

/** What was done to a contender from outside, so that its holder couldn't go on. */
export interface Kill {
  readonly at: number;
  readonly event: 'kill';
  readonly contender: string;
}

export type HistoryEvent = Deed | Kill;

/** Lives from its first to its last event, the deeds of everything that it started included. */
export interface Run {
  readonly name: string;
  readonly contender: string;
  readonly token: number;
  readonly access: Access;
  readonly first: number;
  readonly last: number;
  /** Its main process came to its end by itself. */
  readonly ended: boolean;
  /** In the order of time. */
  readonly deeds: readonly Deed[];
}

/** Why a history can't be judged. */
export class Unjudgeable extends Error {}

const EVENTS: readonly unknown[] = ['begin', 'write', 'wrote', 'read', 'step', 'end'];
/** Each has a value from here on; the others have none. */
const LEAST_VALUE: Readonly<Record<string, number>> = { write: 1, wrote: 1, read: 0 };
/** What a run may do to the counter, by its access. */
const COUNTER_EVENTS: Readonly<Record<Access, readonly Deed['event'][]>> = {
  exclusive: ['write', 'wrote', 'read'],
  shared: ['read'],
  permit: [],
};

/**
 * A JSON object a line. A line that is cut short or mangled makes all of it unjudgeable.
 *
 * @throws {Unjudgeable}
 */
export function parseJournal(text: string): Deed[] {
  check(text !== '', 'the journal is empty');
  check(text.endsWith('\n'), 'the journal ends in the middle of a line');
  return text
    .slice(0, -1)
    .split('\n')
    .map((line, index) => {
      const deed = deedOf(line);
      check(deed !== undefined, `line ${index + 1} is not a deed: ${line.slice(0, 200)}`);
      return deed;
    });
}

function deedOf(line: string): Deed | undefined {
  let deed: Partial<Record<keyof Deed, unknown>> | null;
  try {
    deed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof deed !== 'object' || deed === null) return undefined;
  const { at, event, contender, run, pid, token, access, value } = deed;
  const leastValue = LEAST_VALUE[String(event)];
  const wellFormed =
    [at, pid, token].every(isCount) &&
    [contender, run].every((name) => typeof name === 'string' && name !== '') &&
    EVENTS.includes(event) &&
    Object.hasOwn(COUNTER_EVENTS, String(access)) &&
    (leastValue === undefined ? value === undefined : isCount(value) && value >= leastValue);
  return wellFormed ? (deed as Deed) : undefined;
}

/**
 * The deeds in the order of time; those of the same microsecond stay in the order of the journal.
 *
 * @throws {Unjudgeable} when the clock of a process went back
 */
export function inOrderOfTime(deeds: readonly Deed[]): readonly Deed[] {
  const lastAt = new Map<string, number>();
  for (const { at, run, pid } of deeds) {
    const process = `${pid} of ${run}`;
    check((lastAt.get(process) ?? 0) <= at, `the clock of process ${process} went back`);
    lastAt.set(process, at);
  }
  return deeds.toSorted((a, b) => a.at - b.at);
}

/** In the order of their begins. @throws {Unjudgeable} */
export function runsOf(inTime: readonly Deed[]): readonly Run[] {
  const runs = new Map<string, Run & { last: number; ended: boolean; readonly deeds: Deed[] }>();
  for (const deed of inTime) {
    const { at, event, run: name, contender, token, access } = deed;
    const run = runs.get(name);
    if (event === 'begin') {
      check(run === undefined, `${name} begins twice`);
      const born = { name, contender, token, access, first: at, last: at };
      runs.set(name, { ...born, ended: false, deeds: [deed] });
      continue;
    }
    check(run !== undefined, `${name} does something before it begins`);
    check(run.token === token, `${name} changes its token`);
    check(run.contender === contender, `${name} changes its contender`);
    check(run.access === access, `${name} changes its access`);
    check(event === 'step' || !run.ended, `${name} goes on after its end`);
    const mayDo = event === 'step' || event === 'end' || COUNTER_EVENTS[access].includes(event);
    check(mayDo, `${name} has ${access} access, and yet a deed '${event}'`);
    run.last = at;
    run.deeds.push(deed);
    if (event === 'end') run.ended = true;
  }
  return [...runs.values()];
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** @throws {Unjudgeable} */
export function check(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Unjudgeable(otherwise);
}
