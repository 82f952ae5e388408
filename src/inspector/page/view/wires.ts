/** The lines between the states. Taken ones are thick and counted; the last one is thickest. */
import type { FeedEntry } from '../../feed.ts';
import { type Box, courseOf, headAngle, pathOf } from '../geometry.ts';
import { LINES, type Line, outerOf } from '../places.ts';
import { byId, isNarrow, setText, svgElement } from './dom.ts';
import type { Nodes } from './nodes.ts';

interface Wire {
  readonly line: Line;
  readonly parts: readonly Element[];
  readonly label: Element;
}

const RAIL_LABEL = 'cannot continue';

export class Wires {
  readonly #wires = new Map<string, Wire>();
  readonly #nodes: Nodes;
  #asked: string | null = null;

  constructor(nodes: Nodes) {
    this.#nodes = nodes;
  }

  /** Called when the boxes have new places. */
  layOut(): void {
    const root = byId('wires');
    const { left, top } = byId('grid').getBoundingClientRect();
    const boxes = new Map<string, Box>();
    for (const name of new Set(LINES.flatMap(({ from, to }) => [from, to]))) {
      const box = this.#nodes.boxOf(name).getBoundingClientRect();
      const [x, y] = [box.left - left, box.top - top];
      boxes.set(name, { left: x, right: x + box.width, top: y, bottom: y + box.height });
    }
    this.#wires.clear();
    root.replaceChildren();
    // Faint lines first: the others cover them.
    for (const line of LINES.toSorted((a, b) => a.label.length - b.label.length)) {
      const wire = wireOf(line, boxes);
      if (wire === null) continue;
      root.append(...wire.parts);
      this.#wires.set(keyOf(line.from, line.to), wire);
    }
    if (!isNarrow()) root.append(railLabel(boxes));
    this.ask(this.#asked);
  }

  /** Emphasizes the lines that leave a state. */
  ask(state: string | null): void {
    this.#asked = state;
    for (const { line, parts } of this.#wires.values())
      for (const part of parts) part.classList.toggle('asked', line.from === state);
  }

  /** @param entries up to the moment that is shown */
  draw(entries: readonly FeedEntry[]): void {
    const counts = new Map<string, number>();
    let last: string | null = null;
    for (let index = 1; index < entries.length; index += 1) {
      const key = takenBy(entries[index - 1], entries[index]);
      if (key === null) continue;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      last = key;
    }
    for (const [key, { line, parts, label }] of this.#wires) {
      const count = counts.get(key) ?? 0;
      for (const part of parts) {
        part.classList.toggle('taken', count > 0);
        part.classList.toggle('last', key === last);
      }
      const times = count > 1 ? `×${count}` : '';
      setText(label, [line.label, times].filter(Boolean).join(' '));
    }
  }
}

function keyOf(from: string, to: string): string {
  return `${from} ${to}`;
}

/** null: the entry is not a transition between two top-level states. */
function takenBy(before: FeedEntry | undefined, after: FeedEntry | undefined): string | null {
  if (before === undefined || after === undefined) return null;
  const [from, to] = [outerOf(before.state), outerOf(after.state)];
  const isRetry = to === 'connecting' && after.event?.type === 'session.unreachable';
  return from !== to || isRetry ? keyOf(from, to) : null;
}

function wireOf(line: Line, boxes: ReadonlyMap<string, Box>): Wire | null {
  const drawn = courseOf(line, boxes, isNarrow());
  const end = drawn?.points.at(-1);
  if (drawn === null || end === undefined) return null;
  const { points, label } = drawn;
  const kind = line.label === '' ? ' faint' : '';
  const state = { 'data-state': line.to };
  const path = svgElement('path', { d: pathOf(points), class: `wire${kind}`, ...state });
  const head = svgElement('path', {
    d: 'M0 0-8-4.5-8 4.5z',
    class: `head${kind}`,
    transform: `translate(${end.join(' ')}) rotate(${headAngle(points)})`,
    ...state,
  });
  const text = svgElement('text', {
    x: String(label.at[0]),
    y: String(label.at[1]),
    'text-anchor': label.anchor,
    class: `wire-label${isNarrow() && line.course !== 'spine' ? ' far' : ''}`,
    ...state,
  });
  text.textContent = line.label;
  return { line, parts: [path, head, text], label: text };
}

function railLabel(boxes: ReadonlyMap<string, Box>): Element {
  const x = (boxes.get('waiting')?.right ?? 0) + 14;
  const text = svgElement('text', { x: String(x), y: '-14', class: 'wire-label' });
  text.append(RAIL_LABEL);
  return text;
}

/** Keeps the lines in place when the page or a text changes its size. */
export function watchSize(onChange: () => void): void {
  const grid = byId('grid');
  let before = '';
  new ResizeObserver(() => {
    const now = `${grid.clientWidth} ${grid.clientHeight}`;
    if (now === before) return;
    before = now;
    onChange();
  }).observe(grid);
}
