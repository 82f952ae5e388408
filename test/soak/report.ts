/** Formats the result of a soak. Pure. */
import type { Figures, Takeover, Verdict } from '../support/journal.ts';
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
  /** Planned faults without a target. */
  readonly missed: number;
  /** How often lockexes ended with which status or signal, or were stopped at the end. */
  readonly endings: ReadonlyMap<string, number>;
  /** Other failures, one line each. */
  readonly failures: readonly string[];
}

const MAX_OVERLAPS_SHOWN = 20;
const MAX_KIND_LENGTH = Math.max(...FAULT_KINDS.map((kind) => kind.length));

export function reportOf(result: SoakResult): string {
  const { options, lastedMinutes, locks, failures } = result;
  const lines = [
    ...locks.flatMap((lock) => lockLines(lock, result.faults)),
    `lockexes ended: ${endingsOf(result.endings)}`,
    ...faultsOf(result),
    ...failures.map((failure) => `FAILED: ${failure}`),
    `${lastedMinutes.toFixed(1)} minutes, seed ${options.seed}; to replay the same faults:`,
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
  const { acquisitions, atOnce, takeovers, overlaps } = figures;
  const killed = takeovers.filter((takeover) => takeover.killed);
  const outages = faults.filter((fault) => !isProcessFault(fault.kind));
  const whole = (some: readonly Takeover[]) =>
    some.filter((takeover) => !outages.some((fault) => isDuring(fault, takeover)));
  return [
    `acquisitions: ${acquisitions}, at most ${atOnce} at once`,
    ...(kind === 'semaphore' ? [] : counterLines(kind, figures)),
    `overlaps: ${overlaps.length}`,
    ...overlaps.slice(0, MAX_OVERLAPS_SHOWN).map((overlap) => {
      const { first, second, from, lengthUs } = overlap;
      return `  ${first} and ${second} from ${seconds(from)} for ${milliseconds(lengthUs)}`;
    }),
    `stale entries: ${figures.staleEntries}`,
    `tokens not newer: ${figures.tokensNotNewer}`,
    `takeover, all: ${spreadOf(takeovers)}`,
    `takeover, no outage: ${spreadOf(whole(takeovers))}`,
    `takeover, lockex killed: ${spreadOf(killed)}`,
    `takeover, lockex killed, no outage: ${spreadOf(whole(killed))}`,
  ];
}

function counterLines(kind: LockKind, figures: Figures): string[] {
  const { completed, counted, lostUpdates, reads, wrongReads } = figures;
  const lines = [
    `increments: ${completed} completed, ${counted} interrupted but effective`,
    `lost updates: ${lostUpdates}`,
  ];
  return kind === 'shared' ? [...lines, `shared reads: ${reads}, ${wrongReads} wrong`] : lines;
}

function spreadOf(takeovers: readonly Takeover[]): string {
  const times = takeovers.map(lengthOf).toSorted((a, b) => a - b);
  const [median, worst] = [times[Math.floor(times.length / 2)], times.at(-1)];
  if (median === undefined || worst === undefined) return 'none';
  return `${times.length}, median ${milliseconds(median)}, worst ${milliseconds(worst)}`;
}

/** One line for each kind; a takeover counts for every fault that overlaps it. */
function faultsOf({ faults, missed, locks }: SoakResult): string[] {
  const takeovers = locks.flatMap(({ verdict }) =>
    verdict.verdict === 'unknown' ? [] : verdict.takeovers,
  );
  const lines = FAULT_KINDS.map((kind) => {
    const made = faults.filter((fault) => fault.kind === kind);
    const during = takeovers.filter((takeover) => made.some((fault) => isDuring(fault, takeover)));
    const name = kind.padEnd(MAX_KIND_LENGTH);
    return `  ${name} ${String(made.length).padStart(4)}   takeovers: ${spreadOf(during)}`;
  });
  return [`faults: ${faults.length}, and ${missed} without a target`, ...lines];
}

function isDuring({ madeAt, healedAt }: FaultRecord, { goneAt, beganAt }: Takeover): boolean {
  return madeAt <= beganAt && (healedAt ?? Number.POSITIVE_INFINITY) >= goneAt;
}

function endingsOf(endings: ReadonlyMap<string, number>): string {
  return [...endings].map(([ending, times]) => `${ending} ×${times}`).join(', ');
}

function lengthOf({ goneAt, beganAt }: Takeover): number {
  return beganAt - goneAt;
}

function milliseconds(us: number): string {
  return `${(us / 1000).toFixed(us < 10_000 ? 3 : 0)} ms`;
}

function seconds(us: number): string {
  return `${(us / 1e6).toFixed(6)} s`;
}
