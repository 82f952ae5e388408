/** The table of events, newest first. New events add rows; rows are not drawn again. */
import type { FeedEntry } from '../../feed.ts';
import { eventText } from '../event-text.ts';
import { outerOf } from '../places.ts';
import { isRenewal, type Run } from '../run.ts';
import { detailsText } from '../text.ts';
import { byId, element, timeElement } from './dom.ts';

const MAX_ROWS = 500;

export class Events {
  readonly #body = byId('events');
  readonly #filter = byId('filter') as HTMLInputElement;
  readonly #renewals = byId('renewals') as HTMLInputElement;
  #run: Run | null = null;
  /** The number of the newest entry that was considered. */
  #newest = 0;

  /** @param onTime called with the time of an event that the user selects */
  constructor(onTime: (time: number) => void) {
    const again = () => {
      this.#clear();
      if (this.#run !== null) this.draw(this.#run);
    };
    this.#filter.addEventListener('input', again);
    this.#renewals.addEventListener('change', again);
    this.#body.addEventListener('click', ({ target }) => {
      const button = (target as Element).closest<HTMLElement>('button[data-at]');
      if (button !== null) onTime(Number(button.dataset['at']));
    });
  }

  draw(run: Run): void {
    if (run !== this.#run) this.#clear();
    this.#run = run;
    const first = run.entries.findLastIndex(({ number }) => number <= this.#newest) + 1;
    const rows = run.entries.slice(first).filter((entry) => this.#isShown(entry));
    this.#newest = run.entries.at(-1)?.number ?? 0;
    if (rows.length === 0) return;
    this.#body.prepend(...rows.slice(-MAX_ROWS).map(rowOf).reverse());
    while (this.#body.children.length > MAX_ROWS) this.#body.lastElementChild?.remove();
  }

  /** Marks the event of the moment that is shown; null: none. */
  mark(number: number | null): void {
    const marked = this.#body.querySelector('.shown');
    if (marked?.id === `event-${number}`) return;
    marked?.classList.remove('shown');
    document.getElementById(`event-${number}`)?.classList.add('shown');
  }

  #isShown(entry: FeedEntry): boolean {
    if (isRenewal(entry) && !this.#renewals.checked) return false;
    const wanted = this.#filter.value.trim().toLowerCase();
    return wanted === '' || searchText(entry).includes(wanted);
  }

  #clear(): void {
    this.#body.replaceChildren();
    this.#newest = 0;
  }
}

function searchText(entry: FeedEntry): string {
  const { state, event } = entry;
  const raw = event === null ? '' : `${event.type} ${detailsText(event.details)}`;
  return `${state} ${eventText(entry)} ${raw}`.toLowerCase();
}

function rowOf(entry: FeedEntry): HTMLElement {
  const { number, at, state, event } = entry;
  const raw = event === null ? '' : `${event.type} ${detailsText(event.details)}`;
  const label = 'show this moment';
  const button = element('button', { type: 'button', 'data-at': String(at), title: label });
  button.append(timeElement(at));
  return element(
    'tr',
    { id: `event-${number}` },
    element('td', {}, button),
    element('td', {}, pillOf(state)),
    element('td', {}, eventText(entry), element('span', { class: 'raw' }, raw)),
  );
}

/** A narrow page may break the name at its dot. */
function pillOf(state: string): HTMLElement {
  const outer = outerOf(state);
  const inner = state.slice(outer.length);
  return element('span', { class: 'pill', 'data-state': outer }, outer, element('wbr'), inner);
}
