/**
 * The judge of the history of one lock. Pure. The verdict is valid, invalid or unknown; a malformed
 * history is never valid.
 *
 * It knows a holder by its entries only (history.ts); the state of lockex and ZooKeeper is
 * irrelevant. lock-rules.ts has the rules of each kind of lock.
 */
import {
  check,
  type HistoryEvent,
  inOrderOfTime,
  isCount,
  type JournalEntry,
  type Kill,
  MalformedHistory,
  parseJournal,
  type Run,
  runsOf,
} from './history.ts';
import {
  checkAccess,
  conflict,
  followTokens,
  type LockRules,
  type Overlap,
  overlapsOf,
  permitsOf,
  type TokenFigures,
} from './lock-rules.ts';
import { type CounterFigures, followCounter } from './shared-counter.ts';

export type { Access, HistoryEvent, JournalEntry, Kill } from './history.ts';
export type { LockRules, Overlap } from './lock-rules.ts';

/** From a holder's last entry, or from its kill where that came first, to the next begin. */
export interface Takeover {
  readonly from: string;
  readonly to: string;
  readonly killed: boolean;
  /** Microseconds of CLOCK_MONOTONIC: when the former was gone, and when the next began. */
  readonly goneAt: number;
  readonly beganAt: number;
}

export interface Figures extends CounterFigures, TokenFigures {
  readonly acquisitions: number;
  /** The maximum number of runs that were alive at once. */
  readonly atOnce: number;
  readonly overlaps: readonly Overlap[];
  /** Ordered by their begins; without those that are overlaps. */
  readonly takeovers: readonly Takeover[];
}

export type Verdict =
  | ({ readonly verdict: 'valid' | 'invalid' } & Figures)
  | { readonly verdict: 'unknown'; readonly reason: string };

const EXCLUSIVE: LockRules = { kind: 'exclusive' };

/** Judges a journal; `finalCounter` is the content of the counter's file. */
export function judgeJournal(
  text: string,
  finalCounter: number,
  kills: readonly Kill[] = [],
  rules: LockRules = EXCLUSIVE,
): Verdict {
  return judged(() => judgeOrThrow([...parseJournal(text), ...kills], finalCounter, rules));
}

/**
 * Judges events. The entries of each process must be in order; processes and kills in any order.
 */
export function judge(
  history: readonly HistoryEvent[],
  finalCounter: number,
  rules: LockRules = EXCLUSIVE,
): Verdict {
  return judged(() => judgeOrThrow(history, finalCounter, rules));
}

function judged(judgement: () => Verdict): Verdict {
  try {
    return judgement();
  } catch (error) {
    // Only these: a bug in the judge must not look like an unknown verdict.
    if (!(error instanceof MalformedHistory)) throw error;
    return { verdict: 'unknown', reason: error.message };
  }
}

function judgeOrThrow(
  history: readonly HistoryEvent[],
  finalCounter: number,
  rules: LockRules,
): Verdict {
  for (const { at } of history) check(isCount(at), `a time of ${at}`);
  check(isCount(finalCounter), `a final counter of ${finalCounter}`);
  const entries = history.filter((event): event is JournalEntry => event.event !== 'kill');
  const kills = history.filter((event): event is Kill => event.event === 'kill');
  const inTime = inOrderOfTime(entries);
  const runs = runsOf(inTime);
  check(runs.length > 0, 'the lock was never held');
  checkAccess(runs, rules);
  const figures: Figures = {
    acquisitions: runs.length,
    atOnce: maxAtOnce(runs),
    ...followCounter(inTime, finalCounter),
    overlaps: overlapsOf(runs, rules),
    ...followTokens(runs, rules),
    takeovers: takeoversOf(runs, kills, permitsOf(rules)),
  };
  const { overlaps, lostUpdates, wrongReads, staleEntries, tokensNotNewer } = figures;
  const faults = overlaps.length + lostUpdates + wrongReads + staleEntries + tokensNotNewer;
  return { verdict: faults === 0 ? 'valid' : 'invalid', ...figures };
}

function maxAtOnce(runs: readonly Run[]): number {
  let max = 0;
  let alive: Run[] = [];
  for (const run of runs) {
    alive = [...alive.filter((earlier) => earlier.last >= run.first), run];
    max = Math.max(max, alive.length);
  }
  return max;
}

/**
 * Each permit goes from one run to the next; of several free permits, the one that has been free
 * for the longest time. A permit that is free because no contender waits counts as well.
 */
function takeoversOf(runs: readonly Run[], kills: readonly Kill[], permits: number): Takeover[] {
  const takeovers: Takeover[] = [];
  /** The last holder of each permit, ordered by their ends. */
  let formers: Run[] = [];
  for (const run of runs) {
    const [former] = formers;
    const isNew = former === undefined || formers.length < permits;
    if (!isNew && former.last < run.first && conflict(former, run)) {
      const killedAt = killOf(former, run.first, kills);
      takeovers.push({
        from: former.name,
        to: run.name,
        killed: killedAt !== undefined,
        goneAt: Math.min(former.last, killedAt ?? former.last),
        beganAt: run.first,
      });
    }
    // Keeps those that live longest, because runs may overlap.
    formers = [...formers, run].toSorted((a, b) => a.last - b.last).slice(-permits);
  }
  return takeovers;
}

/** The time at which its contender was killed, if that ended the run. */
function killOf(run: Run, nextAt: number, kills: readonly Kill[]): number | undefined {
  if (run.ended) return undefined;
  return kills.find(({ at, contender }) => {
    return contender === run.contender && at >= run.first && at < nextAt;
  })?.at;
}
