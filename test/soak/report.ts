/** The soak's figures as text. Pure: it judges nothing. */
import type { Figures, TakeOver, Verdict } from '../support/journal.ts';
import { FAULT_KINDS, type FaultRecord, isProcessFault } from './fault.ts';

export interface SoakResult {
  /** Asked for, and how long it was. */
  readonly minutes: number;
  readonly lastedMinutes: number;
  readonly seed: number;
  readonly contenders: number;
  readonly verdict: Verdict;
  readonly faults: readonly FaultRecord[];
  readonly missed: number;
  /** How the lockexes ended, and how often: status, signal, or that it was in the end. */
  readonly endings: ReadonlyMap<string, number>;
  /** What else went wrong, a line each. */
  readonly failures: readonly string[];
}

const SHOWN = 20;

export function reportOf(result: SoakResult): string {
  const { verdict, seed, contenders, minutes, lastedMinutes } = result;
  const lines = [
    `verdict: ${verdict.verdict}${verdict.verdict === 'unknown' ? `: ${verdict.reason}` : ''}`,
    ...(verdict.verdict === 'unknown' ? [] : figuresOf(verdict, result.faults)),
    `lockexes ended: ${endingsOf(result.endings)}`,
    ...(verdict.verdict === 'unknown' ? [] : faultsOf(result, verdict.takeOvers)),
    ...result.failures.map((failure) => `FAILED: ${failure}`),
    `${lastedMinutes.toFixed(1)} minutes, ${contenders} contenders, seed ${seed}; the same faults again:`,
    `  npm run soak -- --minutes ${minutes} --seed ${seed} --contenders ${contenders}`,
  ];
  return lines.join('\n');
}

function figuresOf(figures: Figures, faults: readonly FaultRecord[]): string[] {
  const { acquisitions, completed, counted, takeOvers, overlaps } = figures;
  const killed = takeOvers.filter((takeOver) => takeOver.killed);
  const outages = faults.filter(({ kind }) => !isProcessFault(kind));
  const whole = (some: readonly TakeOver[]) =>
    some.filter((takeOver) => !outages.some((fault) => wasThere(fault, takeOver)));
  return [
    `acquisitions: ${acquisitions}`,
    `increments: ${completed} completed, ${counted} cut short that counted`,
    `overlaps: ${overlaps.length}`,
    ...overlaps.slice(0, SHOWN).map((overlap) => {
      const { first, second, from, lengthUs } = overlap;
      return `  ${first} and ${second} from ${seconds(from)} for ${milliseconds(lengthUs)}`;
    }),
    `lost updates: ${figures.lostUpdates}`,
    `deeds with an older token: ${figures.staleDeeds}`,
    `tokens that were not newer: ${figures.tokensNotNewer}`,
    `take-over, all: ${spreadOf(takeOvers)}`,
    `take-over, no outage: ${spreadOf(whole(takeOvers))}`,
    `take-over, lockex killed: ${spreadOf(killed)}`,
    `take-over, lockex killed, no outage: ${spreadOf(whole(killed))}`,
  ];
}

function spreadOf(takeOvers: readonly TakeOver[]): string {
  const times = takeOvers.map(lengthOf).toSorted((a, b) => a - b);
  const [median, worst] = [times[Math.floor(times.length / 2)], times.at(-1)];
  if (median === undefined || worst === undefined) return 'none';
  return `${times.length}, median ${milliseconds(median)}, worst ${milliseconds(worst)}`;
}

/** A line for each kind; a take-over counts for every fault that was there while it lasted. */
function faultsOf({ faults, missed }: SoakResult, takeOvers: readonly TakeOver[]): string[] {
  const lines = FAULT_KINDS.map((kind) => {
    const made = faults.filter((fault) => fault.kind === kind);
    const during = takeOvers.filter((takeOver) => made.some((fault) => wasThere(fault, takeOver)));
    return `  ${kind.padEnd(22)} ${String(made.length).padStart(4)}   take-overs: ${spreadOf(during)}`;
  });
  return [`faults: ${faults.length}, and ${missed} that found nobody to be made on`, ...lines];
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
