/**
 * The judge of what holders of one lock have done: pure, over a history of events with monotonic
 * time. It answers valid, invalid or unknown, and a history that can't be judged is never valid.
 *
 * It knows a holder by its deeds only. A run lives from its first to its last event, the deeds of
 * everything that it started included; what lockex or ZooKeeper believed meanwhile plays no part.
 */

/** A deed of a holder, as it journaled it. `at`: microseconds of CLOCK_MONOTONIC, whole. */
export interface Deed {
  readonly at: number;
  /**
   * `begin` and `end` are the first and the last of a run's main process. `write`: it has read
   * `value - 1` from the shared counter, and writes `value` next; `wrote`: it has. `step`: it, or
   * something that it has started, is alive.
   */
  readonly event: 'begin' | 'write' | 'wrote' | 'step' | 'end';
  /** Who contends, time and again. */
  readonly contender: string;
  /** One command under one lock; never used twice. */
  readonly run: string;
  readonly pid: number;
  /** The fencing token. */
  readonly token: number;
  readonly value?: number;
}

/** What was done to a contender from outside, so that its holder couldn't go on. */
export interface Kill {
  readonly at: number;
  readonly event: 'kill';
  readonly contender: string;
}

export type HistoryEvent = Deed | Kill;

/** Two runs that were alive at the same time. */
export interface Overlap {
  readonly first: string;
  readonly second: string;
  /** Microseconds; the same one counts, so an overlap can be 0 long. */
  readonly from: number;
  readonly lengthUs: number;
}

/** From a holder's last deed, or from its kill where that came first, to the next begin. */
export interface TakeOver {
  readonly from: string;
  readonly to: string;
  readonly killed: boolean;
  /** Microseconds of CLOCK_MONOTONIC: when the former was gone, and when the next began. */
  readonly goneAt: number;
  readonly beganAt: number;
}

export interface Figures {
  readonly acquisitions: number;
  /** Increments of the counter: known to be complete, and cut short but found to have counted. */
  readonly completed: number;
  readonly counted: number;
  readonly overlaps: readonly Overlap[];
  readonly lostUpdates: number;
  /** Deeds after the first deed of a run with a newer token. */
  readonly staleDeeds: number;
  /** Runs whose token is not newer than every earlier run's. */
  readonly tokensNotNewer: number;
  /** In the order of their begins; not those into an overlap. */
  readonly takeOvers: readonly TakeOver[];
}

export type Verdict =
  | ({ readonly verdict: 'valid' | 'invalid' } & Figures)
  | { readonly verdict: 'unknown'; readonly reason: string };

interface Run {
  readonly name: string;
  readonly contender: string;
  readonly token: number;
  readonly first: number;
  last: number;
  ended: boolean;
}

/** Why a history can't be judged. */
class Unjudgeable extends Error {}

/** Judges a journal's text and what else is known; the final counter is what the file holds. */
export function judgeJournal(
  text: string,
  finalCounter: number,
  kills: readonly Kill[] = [],
): Verdict {
  return judged(() => judgeOrThrow([...parse(text), ...kills], finalCounter));
}

/** Judges events: each process's deeds in their order, processes and kills in any. */
export function judge(history: readonly HistoryEvent[], finalCounter: number): Verdict {
  return judged(() => judgeOrThrow(history, finalCounter));
}

function judged(judgement: () => Verdict): Verdict {
  try {
    return judgement();
  } catch (error) {
    // Only these: a judge that is broken must not look like one that has seen nothing.
    if (!(error instanceof Unjudgeable)) throw error;
    return { verdict: 'unknown', reason: error.message };
  }
}

function judgeOrThrow(history: readonly HistoryEvent[], finalCounter: number): Verdict {
  for (const { at } of history) check(isCount(at), `a time of ${at}`);
  check(isCount(finalCounter), `a final counter of ${finalCounter}`);
  const deeds = history.filter((event): event is Deed => event.event !== 'kill');
  const kills = history.filter((event): event is Kill => event.event === 'kill');
  checkOrderOfProcesses(deeds);
  // Stable: deeds of the same microsecond stay in the order of the journal.
  const inTime = deeds.toSorted((a, b) => a.at - b.at);
  const runs = runsOf(inTime);
  check(runs.length > 0, 'nobody ever held the lock');
  const counter = followCounter(inTime, finalCounter);
  const figures: Figures = {
    acquisitions: runs.length,
    ...counter,
    overlaps: overlapsOf(runs),
    staleDeeds: staleDeedsOf(inTime),
    tokensNotNewer: tokensNotNewerOf(runs),
    takeOvers: takeOversOf(runs, kills),
  };
  const flawless =
    figures.overlaps.length + figures.lostUpdates + figures.staleDeeds + figures.tokensNotNewer ===
    0;
  return { verdict: flawless ? 'valid' : 'invalid', ...figures };
}

/** A JSON object a line. A line that is cut short or mangled makes all of it unjudgeable. */
function parse(text: string): Deed[] {
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
  const { at, event, contender, run, pid, token, value } = deed;
  const wellFormed =
    [at, pid, token].every(isCount) &&
    [contender, run].every((name) => typeof name === 'string' && name !== '') &&
    ['begin', 'write', 'wrote', 'step', 'end'].includes(event as string) &&
    (event === 'write' || event === 'wrote' ? isCount(value) && value > 0 : value === undefined);
  return wellFormed ? (deed as Deed) : undefined;
}

function checkOrderOfProcesses(deeds: readonly Deed[]): void {
  const lastAt = new Map<string, number>();
  for (const { at, run, pid } of deeds) {
    const process = `${pid} of ${run}`;
    check((lastAt.get(process) ?? 0) <= at, `the clock of process ${process} went back`);
    lastAt.set(process, at);
  }
}

/** In the order of their begins. */
function runsOf(inTime: readonly Deed[]): Run[] {
  const runs = new Map<string, Run>();
  for (const { at, event, run: name, contender, token } of inTime) {
    const run = runs.get(name);
    if (event === 'begin') {
      check(run === undefined, `${name} begins twice`);
      runs.set(name, { name, contender, token, first: at, last: at, ended: false });
      continue;
    }
    check(run !== undefined, `${name} does something before it begins`);
    check(run.token === token, `${name} changes its token`);
    check(run.contender === contender, `${name} changes its contender`);
    check(event === 'step' || !run.ended, `${name} goes on after its end`);
    run.last = at;
    if (event === 'end') run.ended = true;
  }
  return [...runs.values()];
}

/** Every pair, not only neighbours: a run may outlive several others. */
function overlapsOf(runs: readonly Run[]): Overlap[] {
  const overlaps: Overlap[] = [];
  let alive: Run[] = [];
  for (const run of runs) {
    alive = alive.filter((earlier) => earlier.last >= run.first);
    for (const earlier of alive) {
      const lengthUs = Math.min(earlier.last, run.last) - run.first;
      overlaps.push({ first: earlier.name, second: run.name, from: run.first, lengthUs });
    }
    alive.push(run);
  }
  return overlaps;
}

function staleDeedsOf(inTime: readonly Deed[]): number {
  let newest = 0;
  let stale = 0;
  for (const { token } of inTime) {
    if (token < newest) stale++;
    newest = Math.max(newest, token);
  }
  return stale;
}

function tokensNotNewerOf(runs: readonly Run[]): number {
  let newest = -1;
  let notNewer = 0;
  for (const { token } of runs) {
    if (token <= newest) notNewer++;
    newest = Math.max(newest, token);
  }
  return notNewer;
}

interface Counter {
  readonly completed: number;
  readonly counted: number;
  readonly lostUpdates: number;
}

/**
 * Follows the counter from 0 through all that was read and written. An increment that was cut short
 * may have reached the file or not: what the next one reads tells.
 */
function followCounter(inTime: readonly Deed[], finalCounter: number): Counter {
  let value = 0;
  let begun: { readonly run: string; readonly to: number } | undefined;
  let completed = 0;
  let counted = 0;
  let lostUpdates = 0;
  const meets = (read: number) => {
    if (begun !== undefined && read === begun.to) counted++;
    else if (read !== value) lostUpdates++;
    begun = undefined;
  };
  for (const { event, run, value: to } of inTime) {
    if (to === undefined) continue;
    if (event === 'write') {
      check(begun?.run !== run, `${run} begins an increment within an increment`);
      meets(to - 1);
      value = to - 1;
      begun = { run, to };
    } else {
      // Somebody else has read the counter since this one did: one of the two is lost.
      if (begun?.run !== run || begun.to !== to) lostUpdates++;
      else completed++;
      value = to;
      begun = undefined;
    }
  }
  meets(finalCounter);
  return { completed, counted, lostUpdates };
}

function takeOversOf(runs: readonly Run[], kills: readonly Kill[]): TakeOver[] {
  const takeOvers: TakeOver[] = [];
  // The one that lives longest of those before, since runs may overlap.
  let former: Run | undefined;
  for (const run of runs) {
    if (former !== undefined && former.last < run.first) {
      const killedAt = killOf(former, run.first, kills);
      takeOvers.push({
        from: former.name,
        to: run.name,
        killed: killedAt !== undefined,
        goneAt: Math.min(former.last, killedAt ?? former.last),
        beganAt: run.first,
      });
    }
    if (former === undefined || former.last < run.last) former = run;
  }
  return takeOvers;
}

/** When its contender was killed, the run not having ended by itself, nor anybody come after it. */
function killOf(run: Run, nextAt: number, kills: readonly Kill[]): number | undefined {
  if (run.ended) return undefined;
  return kills.find(({ at, contender }) => {
    return contender === run.contender && at >= run.first && at < nextAt;
  })?.at;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function check(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Unjudgeable(otherwise);
}
