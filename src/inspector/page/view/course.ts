/** The strip of states over time, and the lease below it. */
import { type LeaseLeft, leaseLeft } from '../moment.ts';
import { outerOf } from '../places.ts';
import type { Run } from '../run.ts';
import { Scale } from '../scale.ts';
import { clockTime, duration } from '../text.ts';
import { byId, element, isNarrow, setText, svgElement, timeElement } from './dom.ts';

/** Of the strip's width: narrower stays have no label. */
const MIN_LABELLED = { wide: 0.06, narrow: 0.2 };
const MIN_TICK = { wide: 0.075, narrow: 0.24 };
const PLOT = { width: 1000, height: 100, top: 8 };

interface Sample {
  readonly x: number;
  readonly leftMs: number;
}

export class Course {
  #scale = new Scale([], 0);
  readonly #strip = byId('strip');

  get scale(): Scale {
    return this.#scale;
  }

  /** @param end of the last stay: milliseconds since 1970 */
  draw(run: Run, end: number): void {
    this.#scale = new Scale(run.stays(), end);
    this.#drawStrip();
    this.#drawTicks();
    this.#drawLease(run, end);
  }

  /** @param text the moment as text, for screen readers */
  point(time: number, text: string): void {
    const x = this.#scale.xOf(time);
    byId('cursor').style.left = `${x * 100}%`;
    const slider = byId('slider') as HTMLInputElement;
    const value = String(Math.round(x * 1000));
    if (slider.value !== value) slider.value = value;
    slider.setAttribute('aria-valuetext', text);
  }

  #drawStrip(): void {
    const { pieces } = this.#scale;
    while (this.#strip.children.length > pieces.length) this.#strip.lastElementChild?.remove();
    while (this.#strip.children.length < pieces.length)
      this.#strip.append(element('div', { class: 'stay' }));
    const minimum = isNarrow() ? MIN_LABELLED.narrow : MIN_LABELLED.wide;
    for (const [index, { stay, from, to, left, right }] of pieces.entries()) {
      const shape = this.#strip.children[index] as HTMLElement;
      const outer = outerOf(stay.state);
      const lasted = outer === 'done' ? '' : ` ${duration(to - from)}`;
      shape.dataset['state'] = outer;
      shape.style.left = `${left * 100}%`;
      shape.style.width = `${(right - left) * 100}%`;
      shape.title = `${stay.state}${lasted}, from ${clockTime(from)}`;
      setText(shape, right - left < minimum ? '' : `${outer}${lasted}`);
    }
  }

  #drawTicks(): void {
    const minimum = isNarrow() ? MIN_TICK.narrow : MIN_TICK.wide;
    let last = -1;
    const ticks = this.#scale.pieces.flatMap(({ from, left }) => {
      if (left - last < minimum || left > 1 - minimum / 2) return [];
      last = left;
      const tick = element('span', {}, timeElement(from));
      tick.style.left = `${left * 100}%`;
      return [tick];
    });
    byId('ticks').replaceChildren(...ticks);
  }

  #drawLease(run: Run, end: number): void {
    const plot = byId('plot');
    const start = this.#scale.pieces[0]?.from ?? 0;
    const parts = partsOf(run, start, end, (time) => this.#scale.xOf(time));
    const whole = Math.max(1, ...parts.flatMap(({ leases }) => leases.map((each) => each.wholeMs)));
    const y = (ms: number) =>
      PLOT.height - Math.max(0, Math.min(1, ms / whole)) * (PLOT.height - PLOT.top);
    plot.replaceChildren(
      ...parts.flatMap(({ samples, leases }) => {
        const [x1, x2] = [samples[0]?.x ?? 0, samples.at(-1)?.x ?? 0].map((x) => x * PLOT.width);
        const points = samples.map(({ x, leftMs }) => `${x * PLOT.width} ${y(leftMs)}`).join('L');
        const { leftMs, stopInMs } = leases[0] as LeaseLeft;
        const stop = String(y(leftMs - stopInMs));
        return [
          svgElement('path', {
            class: 'area',
            d: `M${x1} ${PLOT.height}L${points}L${x2} ${PLOT.height}Z`,
          }),
          svgElement('line', { class: 'stop', x1: `${x1}`, x2: `${x2}`, y1: stop, y2: stop }),
        ];
      }),
    );
  }
}

interface Part {
  readonly samples: Sample[];
  readonly leases: LeaseLeft[];
}

/** Where a lease was held without a break; entries that the page does not have make a break. */
function partsOf(run: Run, start: number, end: number, xOf: (time: number) => number): Part[] {
  const parts: Part[] = [];
  let part: Part | null = null;
  for (const [index, entry] of run.entries.entries()) {
    const next = run.entries[index + 1];
    const until = next?.at ?? end;
    if (until < start) continue;
    const lease = leaseLeft(entry, entry.at);
    if (lease === null) {
      part = null;
      continue;
    }
    if (part === null) {
      part = { samples: [], leases: [] };
      parts.push(part);
    }
    part.leases.push(lease);
    part.samples.push({ x: xOf(entry.at), leftMs: lease.leftMs });
    if (next !== undefined && next.number !== entry.number + 1) part = null;
    else
      part.samples.push({ x: xOf(until), leftMs: Math.max(0, lease.leftMs - (until - entry.at)) });
  }
  return parts;
}
