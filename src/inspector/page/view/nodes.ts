/** The states: boxes of the spine and lanes below it. */
import type { Life } from '../life.ts';
import type { Moment } from '../moment.ts';
import { LANES, outerOf, SPINE, STEPS, SUMMARIES } from '../places.ts';
import { reasonOf } from '../reason.ts';
import type { Run } from '../run.ts';
import { duration } from '../text.ts';
import { byId, element, setText } from './dom.ts';

const HINT = 'Point at a state, or move to it with Tab, to see where it can lead.';

export class Nodes {
  readonly #boxes = new Map<string, HTMLElement>();
  readonly #life: Life;

  /** @param onAsked called with the state that the user points at; null: none */
  constructor(life: Life, onAsked: (state: string | null) => void) {
    this.#life = life;
    for (const [column, name] of SPINE.entries()) this.#add(name, spineBox(name, column));
    for (const name of Object.keys(LANES)) this.#add(name, laneBox(name));
    for (const [name, box] of this.#boxes) {
      const ask = (state: string | null) => () => {
        this.#explain(state);
        onAsked(state);
      };
      for (const type of ['pointerenter', 'focus']) box.addEventListener(type, ask(name));
      for (const type of ['pointerleave', 'blur']) box.addEventListener(type, ask(null));
    }
    this.#explain(null);
  }

  boxOf(name: string): HTMLElement {
    const box = this.#boxes.get(name);
    if (box === undefined) throw new Error(`no box for ${name}`);
    return box;
  }

  draw(run: Run, moment: Moment): void {
    const { entry, index } = moment;
    const active = outerOf(entry.state);
    const visited = run.entries.slice(0, index + 1).map(({ state }) => state);
    // Steps are ticked only in the current attempt.
    const attempt = new Set(visited.slice(visited.findLastIndex(isStartOfAttempt) + 1));
    const ever = new Set(visited);
    const everOuter = new Set(visited.map(outerOf));
    for (const [name, box] of this.#boxes) {
      const isOn = name === active;
      box.classList.toggle('on', isOn);
      box.classList.toggle('been', everOuter.has(name));
      if (isOn) box.setAttribute('aria-current', 'step');
      else box.removeAttribute('aria-current');
      const summary = box.querySelector('.summary');
      if (summary) setText(summary, isOn ? reasonOf(moment) : (SUMMARIES[name] ?? ''));
      const until = box.querySelector('.until');
      if (until) setText(until, isOn ? untilText(moment) : '');
    }
    for (const part of byId('grid').querySelectorAll('[data-inner]')) {
      const state = part.id.slice('state-'.length);
      part.classList.toggle('on', state === entry.state);
      const isStep = part.classList.contains('step');
      const was = (isStep ? attempt : ever).has(state) && state !== entry.state;
      part.classList.toggle('was', was);
    }
  }

  #add(name: string, box: HTMLElement): void {
    this.#boxes.set(name, box);
    byId('grid').append(box);
  }

  #explain(state: string | null): void {
    const hint = byId('hint');
    if (state === null) return setText(hint, HINT);
    const targets = new Map<string, Set<string>>();
    for (const { from, to, event } of this.#life.transitions) {
      const target = outerOf(to);
      if (outerOf(from) !== state || target === state) continue;
      targets.set(target, (targets.get(target) ?? new Set()).add(event));
    }
    const description = this.#life.states.find(({ name }) => name === state)?.description;
    const lines = [...targets].map(([target, events]) =>
      element(
        'span',
        { class: 'targets' },
        element('strong', { class: 'target' }, ` → ${target} `),
        element('code', {}, `${[...events].join(', ')}.`),
      ),
    );
    const text = description || (SUMMARIES[state] ?? '');
    hint.replaceChildren(element('strong', {}, state), `: ${text} `, ...lines);
  }
}

function isStartOfAttempt(state: string): boolean {
  return state === 'connecting' || state === 'waiting';
}

/** On narrow pages, where a lane has no room for the reason. */
function untilText({ entry, lease }: Moment): string {
  if (lease === null) return '';
  if (entry.state === 'suspended.running')
    return `stops in ${duration(Math.max(0, lease.stopInMs))}`;
  return entry.state === 'lost.stopping' ? `${duration(lease.leftMs)} left` : '';
}

function box(name: string, kind: 'node' | 'lane', isCompound: boolean): HTMLElement {
  return element('div', {
    class: `${kind} state${isCompound ? ' compound' : ''}`,
    id: `state-${name}`,
    tabindex: '0',
    role: 'group',
    'aria-label': `state ${name}`,
    'aria-describedby': 'hint',
    'data-state': name,
  });
}

function spineBox(name: string, column: number): HTMLElement {
  const steps = STEPS[name] ?? [];
  const made = box(name, 'node', steps.length > 0);
  made.style.setProperty('--column', String(column + 1));
  made.append(
    element('span', { class: 'name' }, name),
    element('span', { class: 'summary' }, SUMMARIES[name] ?? ''),
  );
  const items = steps.map(({ state, label }) =>
    element('li', { class: 'state step', id: `state-${state}`, 'data-inner': '' }, label),
  );
  if (items.length > 0) made.append(element('ol', { class: 'steps' }, ...items));
  return made;
}

function laneBox(name: string): HTMLElement {
  const cells = LANES[name] ?? [];
  const made = box(name, 'lane', true);
  for (const { state, under, label } of cells) {
    const attributes = { class: 'state cell', id: `state-${state}`, 'data-inner': '' };
    const cell = element('span', attributes, label);
    cell.style.setProperty('--under', String(SPINE.indexOf(under as (typeof SPINE)[number])));
    made.append(cell);
  }
  const text = element('p', { class: 'lane-text' }, element('span', { class: 'name' }, name), ' ');
  text.append(element('span', { class: 'summary' }), element('span', { class: 'until' }));
  made.append(text);
  return made;
}
