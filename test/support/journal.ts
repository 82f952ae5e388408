/**
 * The judge of what holders of one lock have done: pure, over a history of events with monotonic
 * time. It answers valid, invalid or unknown, and a history that can't be judged is never valid.
 *
 * It knows a holder by its deeds only (history.ts); what lockex or ZooKeeper believed meanwhile plays
 * no part. What each kind of lock allows is in lock-rules.ts.
 */
import {
  check,
  type Deed,
  type HistoryEvent,
  inOrderOfTime,
  isCount,
  type Kill,
  parseJournal,
  type Run,
  runsOf,
  Unjudgeable,
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

export type { Access, Deed, HistoryEvent, Kill } from './history.ts';
export type { LockRules, Overlap } from './lock-rules.ts';

/** From a holder's last deed, or from its kill where that came first, to the next begin. */
export interface TakeOver {
  readonly from: string;
  readonly to: string;
  readonly killed: boolean;
  /** Microseconds of CLOCK_MONOTONIC: when the former was gone, and when the next began. */
  readonly goneAt: number;
  readonly beganAt: number;
}

export interface Figures extends CounterFigures, TokenFigures {
  readonly acquisitions: number;
  /** The most runs that were alive at once. */
  readonly atOnce: number;
  readonly overlaps: readonly Overlap[];
  /** In the order of their begins; not those into an overlap. */
  readonly takeOvers: readonly TakeOver[];
}

export type Verdict =
  | ({ readonly verdict: 'valid' | 'invalid' } & Figures)
  | { readonly verdict: 'unknown'; readonly reason: string };

const EXCLUSIVE: LockRules = { kind: 'exclusive' };

/** Judges a journal's text and what else is known; the final counter is what the file holds. */
export function judgeJournal(
  text: string,
  finalCounter: number,
  kills: readonly Kill[] = [],
  rules: LockRules = EXCLUSIVE,
): Verdict {
  return judged(() => judgeOrThrow([...parseJournal(text), ...kills], finalCounter, rules));
}

/** Judges events: each process's deeds in their order, processes and kills in any. */
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
    // Only these: a judge that is broken must not look like one that has seen nothing.
    if (!(error instanceof Unjudgeable)) throw error;
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
  const deeds = history.filter((event): event is Deed => event.event !== 'kill');
  const kills = history.filter((event): event is Kill => event.event === 'kill');
  const inTime = inOrderOfTime(deeds);
  const runs = runsOf(inTime);
  check(runs.length > 0, 'the lock was never held');
  checkAccess(runs, rules);
  const figures: Figures = {
    acquisitions: runs.length,
    atOnce: mostAtOnce(runs),
    ...followCounter(inTime, finalCounter),
    overlaps: overlapsOf(runs, rules),
    ...followTokens(runs, rules),
    takeOvers: takeOversOf(runs, kills, permitsOf(rules)),
  };
  const { overlaps, lostUpdates, wrongReads, staleDeeds, tokensNotNewer } = figures;
  const faults = overlaps.length + lostUpdates + wrongReads + staleDeeds + tokensNotNewer;
  return { verdict: faults === 0 ? 'valid' : 'invalid', ...figures };
}

function mostAtOnce(runs: readonly Run[]): number {
  let most = 0;
  let alive: Run[] = [];
  for (const run of runs) {
    alive = [...alive.filter((earlier) => earlier.last >= run.first), run];
    most = Math.max(most, alive.length);
  }
  return most;
}

/**
 * Each permit goes from one run to the next: of those that are free, the one that has been free for
 * longest. A permit that is free because no contender waits for it counts as well.
 */
function takeOversOf(runs: readonly Run[], kills: readonly Kill[], permits: number): TakeOver[] {
  const takeOvers: TakeOver[] = [];
  /** Who held each permit last, the one that is over first at the front. */
  let formers: Run[] = [];
  for (const run of runs) {
    const [former] = formers;
    const isNew = former === undefined || formers.length < permits;
    if (!isNew && former.last < run.first && conflict(former, run)) {
      const killedAt = killOf(former, run.first, kills);
      takeOvers.push({
        from: former.name,
        to: run.name,
        killed: killedAt !== undefined,
        goneAt: Math.min(former.last, killedAt ?? former.last),
        beganAt: run.first,
      });
    }
    // Those that live longest, since runs may overlap.
    formers = [...formers, run].toSorted((a, b) => a.last - b.last).slice(-permits);
  }
  return takeOvers;
}

/** When its contender was killed, the run not having ended by itself, nor another one begun. */
function killOf(run: Run, nextAt: number, kills: readonly Kill[]): number | undefined {
  if (run.ended) return undefined;
  return kills.find(({ at, contender }) => {
    return contender === run.contender && at >= run.first && at < nextAt;
  })?.at;
}
