/** The soak's figures as text. Pure: it judges nothing. */
import type { Figures, TakeOver, Verdict } from '../support/journal.ts';
import { FAULT_KINDS, type FaultRecord, isProcessFault } from './fault.ts';
import { commandLineOf, type LockKind, type SoakOptions } from './options.ts';

export interface LockResult {
  readonly kind: LockKind;
  readonly contenders: number;
  readonly verdict: Verdict;
}

export interface SoakResult {
  readonly options: Omit<SoakOptions, 'keep'>;
  readonly lastedMinutes: number;
  readonly locks: readonly LockResult[];
  readonly faults: readonly FaultRecord[];
  /** Faults whose target was not there. */
  readonly missed: number;
  /** How the lockexes ended, and how often: status, signal, or that it was in the end. */
  readonly endings: ReadonlyMap<string, number>;
  /** What else went wrong, a line each. */
  readonly failures: readonly string[];
}

const SHOWN = 20;
const MAX_KIND_LENGTH = Math.max(...FAULT_KINDS.map((kind) => kind.length));

export function reportOf(result: SoakResult): string {
  const { options, lastedMinutes, locks, failures } = result;
  const lines = [
    ...locks.flatMap((lock) => lockLines(lock, result.faults)),
    `lockexes ended: ${endingsOf(result.endings)}`,
    ...faultsOf(result),
    ...failures.map((failure) => `FAILED: ${failure}`),
    `${lastedMinutes.toFixed(1)} minutes, seed ${options.seed}; the same faults again:`,
    `  ${commandLineOf(options)}`,
  ];
  return lines.join('\n');
}

function lockLines(lock: LockResult, faults: readonly FaultRecord[]): string[] {
  const { kind, contenders, verdict } = lock;
  const title = `${kind}, ${contenders} contenders: ${verdict.verdict}`;
  if (verdict.verdict === 'unknown') return [`${title}: ${verdict.reason}`];
  return [title, ...figuresOf(kind, verdict, faults).map((line) => `  ${line}`)];
}

function figuresOf(kind: LockKind, figures: Figures, faults: readonly FaultRecord[]): string[] {
  const { acquisitions, atOnce, takeOvers, overlaps } = figures;
  const killed = takeOvers.filter((takeOver) => takeOver.killed);
  const outages = faults.filter((fault) => !isProcessFault(fault.kind));
  const whole = (some: readonly TakeOver[]) =>
    some.filter((takeOver) => !outages.some((fault) => wasThere(fault, takeOver)));
  return [
    `acquisitions: ${acquisitions}, at most ${atOnce} at once`,
    ...(kind === 'semaphore' ? [] : counterLines(kind, figures)),
    `overlaps: ${overlaps.length}`,
    ...overlaps.slice(0, SHOWN).map((overlap) => {
      const { first, second, from, lengthUs } = overlap;
      return `  ${first} and ${second} from ${seconds(from)} for ${milliseconds(lengthUs)}`;
    }),
    `deeds with an older token: ${figures.staleDeeds}`,
    `tokens that were not newer: ${figures.tokensNotNewer}`,
    `take-over, all: ${spreadOf(takeOvers)}`,
    `take-over, no outage: ${spreadOf(whole(takeOvers))}`,
    `take-over, lockex killed: ${spreadOf(killed)}`,
    `take-over, lockex killed, no outage: ${spreadOf(whole(killed))}`,
  ];
}

function counterLines(kind: LockKind, figures: Figures): string[] {
  const { completed, counted, lostUpdates, reads, wrongReads } = figures;
  const lines = [
    `increments: ${completed} completed, ${counted} cut short that counted`,
    `lost updates: ${lostUpdates}`,
  ];
  return kind === 'shared' ? [...lines, `shared reads: ${reads}, ${wrongReads} wrong`] : lines;
}

function spreadOf(takeOvers: readonly TakeOver[]): string {
  const times = takeOvers.map(lengthOf).toSorted((a, b) => a - b);
  const [median, worst] = [times[Math.floor(times.length / 2)], times.at(-1)];
  if (median === undefined || worst === undefined) return 'none';
  return `${times.length}, median ${milliseconds(median)}, worst ${milliseconds(worst)}`;
}

/** A line for each kind; a take-over counts for every fault that was there while it lasted. */
function faultsOf({ faults, missed, locks }: SoakResult): string[] {
  const takeOvers = locks.flatMap(({ verdict }) =>
    verdict.verdict === 'unknown' ? [] : verdict.takeOvers,
  );
  const lines = FAULT_KINDS.map((kind) => {
    const made = faults.filter((fault) => fault.kind === kind);
    const during = takeOvers.filter((takeOver) => made.some((fault) => wasThere(fault, takeOver)));
    const name = kind.padEnd(MAX_KIND_LENGTH);
    return `  ${name} ${String(made.length).padStart(4)}   take-overs: ${spreadOf(during)}`;
  });
  return [`faults: ${faults.length}, and ${missed} whose target was not there`, ...lines];
}

function wasThere({ madeAt, healedAt }: FaultRecord, { goneAt, beganAt }: TakeOver): boolean {
  return madeAt <= beganAt && (healedAt ?? Number.POSITIVE_INFINITY) >= goneAt;
}

function endingsOf(endings: ReadonlyMap<string, number>): string {
  return [...endings].map(([ending, times]) => `${ending} ×${times}`).join(', ');
}

function lengthOf({ goneAt, beganAt }: TakeOver): number {
  return beganAt - goneAt;
}

function milliseconds(us: number): string {
  return `${(us / 1000).toFixed(us < 10_000 ? 3 : 0)} ms`;
}

function seconds(us: number): string {
  return `${(us / 1e6).toFixed(6)} s`;
}
