/** Replays all reads and writes of the counter that the holders of a lock share. Pure. */
import { check, type JournalEntry } from './history.ts';

export interface CounterFigures {
  /** Complete increments, and interrupted ones that turned out to be effective. */
  readonly completed: number;
  readonly counted: number;
  readonly lostUpdates: number;
  /** Reads of shared holders, and those with another value than that of the last increment. */
  readonly reads: number;
  readonly wrongReads: number;
}

/**
 * The counter starts at 0 and ends at `finalCounter`. An interrupted increment may have reached the
 * file or not: the next read shows which.
 *
 * @throws {MalformedHistory}
 */
export function followCounter(
  inTime: readonly JournalEntry[],
  finalCounter: number,
): CounterFigures {
  let value = 0;
  let begun: { readonly run: string; readonly to: number } | undefined;
  const figures = { completed: 0, counted: 0, lostUpdates: 0, reads: 0, wrongReads: 0 };
  /** True if the value that was read follows from the previous entries. */
  const meets = (read: number): boolean => {
    const hasCounted = begun !== undefined && read === begun.to;
    const fits = hasCounted || read === value;
    if (hasCounted) figures.counted++;
    begun = undefined;
    value = read;
    return fits;
  };
  for (const { event, run, value: to } of inTime) {
    if (to === undefined) continue;
    if (event === 'read') {
      figures.reads++;
      if (!meets(to)) figures.wrongReads++;
    } else if (event === 'write') {
      check(begun?.run !== run, `${run} begins an increment within an increment`);
      if (!meets(to - 1)) figures.lostUpdates++;
      begun = { run, to };
    } else {
      // Another run has read the counter in between: one of the two increments is lost.
      if (begun?.run !== run || begun.to !== to) figures.lostUpdates++;
      else figures.completed++;
      value = to;
      begun = undefined;
    }
  }
  if (!meets(finalCounter)) figures.lostUpdates++;
  return figures;
}
