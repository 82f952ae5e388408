/** Follows the counter that the holders of one lock share through all that was read and written. Pure. */
import { check, type Deed } from './history.ts';

export interface CounterFigures {
  /** Increments: known to be complete, and cut short but found to have counted. */
  readonly completed: number;
  readonly counted: number;
  readonly lostUpdates: number;
  /** Reads of shared holders, and those that found another value than the last increment left. */
  readonly reads: number;
  readonly wrongReads: number;
}

/**
 * From 0 to `finalCounter`. An increment that was cut short may have reached the file or not: the next
 * read shows which.
 *
 * @throws {Unjudgeable}
 */
export function followCounter(inTime: readonly Deed[], finalCounter: number): CounterFigures {
  let value = 0;
  let begun: { readonly run: string; readonly to: number } | undefined;
  const figures = { completed: 0, counted: 0, lostUpdates: 0, reads: 0, wrongReads: 0 };
  /** Whether what was read is what the deeds before have left. */
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
      // Another run has read the counter since this one did: one of the two increments is lost.
      if (begun?.run !== run || begun.to !== to) figures.lostUpdates++;
      else figures.completed++;
      value = to;
      begun = undefined;
    }
  }
  if (!meets(finalCounter)) figures.lostUpdates++;
  return figures;
}
