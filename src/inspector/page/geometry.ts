/**
 * The course of each line between the boxes, from their measured places. Narrow pages show the
 * spine from top to bottom: the same courses with the axes swapped. Pure.
 */
import type { Line } from './places.ts';

export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

type Point = readonly [number, number];

export interface Drawn {
  readonly points: readonly Point[];
  readonly label: { readonly at: Point; readonly anchor: 'start' | 'middle' | 'end' };
}

/** Of the spine's lines, from the upper edge of a box. */
const SPINE_OFFSET = 26;
/** Of the rail above the spine. */
const RAIL = { wide: -18, narrow: -15 };
const CORNER = 9;

export function courseOf(
  line: Line,
  boxes: ReadonlyMap<string, Box>,
  isNarrow: boolean,
): Drawn | null {
  const known = (name: string) => {
    const box = boxes.get(name);
    return box === undefined ? null : isNarrow ? swapped(box) : box;
  };
  const [from, to, running] = [known(line.from), known(line.to), known('running')];
  if (from === null || to === null || running === null) return null;
  const drawn = draw(line, from, to, running, isNarrow);
  if (!isNarrow) return drawn;
  const [x, y] = drawn.label.at;
  const isSpine = line.course === 'spine';
  return {
    points: drawn.points.map(([a, b]) => [b, a] as const),
    // Beside the line instead of above it.
    label: { at: isSpine ? [y + 16, x + 4] : [y, x - 4], anchor: isSpine ? 'start' : 'middle' },
  };
}

function draw({ course }: Line, from: Box, to: Box, running: Box, isNarrow: boolean): Drawn {
  const rail = isNarrow ? RAIL.narrow : RAIL.wide;
  const middle = (box: Box) => (box.left + box.right) / 2;
  const between = (from.bottom + to.top) / 2 + 4;
  const halfway = (from.top + from.bottom) / 2;
  switch (course) {
    case 'spine': {
      const height = from.bottom - from.top;
      const y = from.top + (isNarrow ? Math.min(22, height / 2) : SPINE_OFFSET);
      return made(
        [
          [from.right, y],
          [to.left, y],
        ],
        [(from.right + to.left) / 2, y - 8],
      );
    }
    case 'self': {
      const [x, y] = [from.left + 26, from.top];
      return made(
        [
          [x, y],
          [x, rail + 4],
          [x + 26, rail + 4],
          [x + 26, y],
        ],
        [x, rail],
      );
    }
    case 'down': {
      const x = middle(from) + 12;
      return made(
        [
          [x, from.bottom],
          [x, to.top],
        ],
        [x + 7, between],
        'start',
      );
    }
    case 'up': {
      const x = middle(to) - 12;
      const y = (from.top + to.bottom) / 2 + 4;
      return made(
        [
          [x, from.top],
          [x, to.bottom],
        ],
        [x - 7, y],
        'end',
      );
    }
    case 'fall': {
      const x = middle(running);
      return made(
        [
          [x, from.bottom],
          [x, to.top],
        ],
        [x - 8, between],
        'end',
      );
    }
    case 'behind': {
      const x = from.right - 7;
      return made(
        [
          [x, from.bottom],
          [x, to.top],
        ],
        [x, between],
      );
    }
    case 'back': {
      const x = middle(to);
      return made(
        [
          [from.left, halfway],
          [x, halfway],
          [x, to.bottom],
        ],
        [x + 8, halfway - 8],
        'start',
      );
    }
    case 'rail': {
      const x = middle(from) + 20;
      const end = middle(to);
      return made(
        [
          [x, from.top],
          [x, rail],
          [end, rail],
          [end, to.top],
        ],
        [x, rail],
      );
    }
    case 'side':
      return made(
        [
          [from.right, halfway],
          [to.left, halfway],
        ],
        [(from.right + to.left) / 2, halfway - 8],
      );
  }
}

function made(
  points: readonly Point[],
  at: Point,
  anchor: Drawn['label']['anchor'] = 'middle',
): Drawn {
  return { points, label: { at, anchor } };
}

function swapped({ left, right, top, bottom }: Box): Box {
  return { left: top, right: bottom, top: left, bottom: right };
}

/** An SVG path with rounded corners. */
export function pathOf(points: readonly Point[]): string {
  const parts = points.map((point, index) => {
    const [before, after] = [points[index - 1], points[index + 1]];
    if (before === undefined) return `M${point.join(' ')}`;
    if (after === undefined) return `L${point.join(' ')}`;
    return `L${towards(point, before)}Q${point.join(' ')} ${towards(point, after)}`;
  });
  return parts.join('');
}

function towards([x, y]: Point, [toX, toY]: Point): string {
  const length = Math.hypot(toX - x, toY - y) || 1;
  const part = Math.min(CORNER, length / 2) / length;
  return `${x + (toX - x) * part} ${y + (toY - y) * part}`;
}

/** Degrees, for the head of an arrow at the last point. */
export function headAngle(points: readonly Point[]): number {
  const [[x1, y1], [x2, y2]] = [points.at(-2) ?? [0, 0], points.at(-1) ?? [0, 0]];
  return (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
}
