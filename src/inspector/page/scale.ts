/**
 * The horizontal scale of the course: not proportional to time, so that a stay of milliseconds can
 * be seen beside one of hours. Within a stay it is proportional. Pure.
 */
import type { Stay } from './run.ts';

/** The course shows the last stays of a run. */
export const MAX_STAYS = 200;
/** A stay twice as long is wider by the width of the shortest. */
const UNIT_MS = 500;

interface Piece {
  readonly stay: Stay;
  readonly from: number;
  readonly to: number;
  /** From 0 to 1. */
  readonly left: number;
  readonly right: number;
}

export class Scale {
  readonly pieces: readonly Piece[];

  /** @param end the end of the last stay: milliseconds since 1970 */
  constructor(stays: readonly Stay[], end: number) {
    const shown = stays.slice(-MAX_STAYS);
    const timed = shown.map((stay) => ({ stay, from: stay.from, to: stay.to ?? end }));
    const weights = timed.map(
      ({ from, to }) => 1 + Math.log2(1 + Math.max(0, to - from) / UNIT_MS),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let left = 0;
    this.pieces = timed.map((piece, index) => {
      const start = left;
      left += (weights[index] ?? 0) / total;
      return { ...piece, left: start, right: left };
    });
  }

  /** From 0 to 1. */
  xOf(time: number): number {
    const piece = this.pieces.findLast(({ from }) => from <= time);
    if (piece === undefined) return 0;
    const { from, to, left, right } = piece;
    const part = to > from ? Math.min(1, (time - from) / (to - from)) : 0;
    return left + (right - left) * part;
  }

  timeAt(x: number): number {
    const piece = this.pieces.findLast(({ left }) => left <= x) ?? this.pieces[0];
    if (piece === undefined) return 0;
    const { from, to, left, right } = piece;
    return from + (to - from) * Math.min(1, Math.max(0, (x - left) / (right - left)));
  }
}
