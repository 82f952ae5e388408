/** The controls of time: slider, previous, next, replay, now. */
import { isRenewal, type Run } from '../run.ts';
import type { Scale } from '../scale.ts';
import { byId } from './dom.ts';

/** `now` follows the run; `past` shows an earlier time (milliseconds since 1970). */
export type Shown = { readonly kind: 'now' } | { readonly kind: 'past'; readonly time: number };

export interface TimelineSource {
  readonly run: () => Run | null;
  readonly scale: () => Scale;
  readonly onShown: (shown: Shown) => void;
}

const REPLAY_MS = { perStay: 1200, min: 5000, max: 20_000, step: 50 };

export class Timeline {
  readonly #source: TimelineSource;
  #shown: Shown = { kind: 'now' };
  #replay: ReturnType<typeof setInterval> | null = null;

  constructor(source: TimelineSource) {
    this.#source = source;
    const slider = byId('slider') as HTMLInputElement;
    slider.addEventListener('input', () => {
      const value = Number(slider.value);
      if (value >= 1000) this.#byUser({ kind: 'now' });
      else this.#byUser({ kind: 'past', time: source.scale().timeAt(value / 1000) });
    });
    slider.addEventListener('keydown', (event) => {
      const act = this.#keys[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    });
    byId('previous').addEventListener('click', () => this.#step(-1));
    byId('next').addEventListener('click', () => this.#step(1));
    byId('to-now').addEventListener('click', () => this.#byUser({ kind: 'now' }));
    byId('replay').addEventListener('click', () => this.#toggleReplay());
  }

  get shown(): Shown {
    return this.#shown;
  }

  show(time: number): void {
    this.#byUser({ kind: 'past', time });
  }

  /** Another run is shown. */
  reset(): void {
    this.#byUser({ kind: 'now' });
  }

  readonly #keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => this.#step(-1),
    ArrowDown: () => this.#step(-1),
    ArrowRight: () => this.#step(1),
    ArrowUp: () => this.#step(1),
    Home: () => this.show(this.#times()[0] ?? 0),
    End: () => this.#byUser({ kind: 'now' }),
  };

  /** To the previous or next event; after the last one, to now. */
  #step(direction: 1 | -1): void {
    const times = this.#times();
    const { shown: before } = this;
    const time = before.kind === 'now' ? Number.POSITIVE_INFINITY : before.time;
    const target =
      direction === 1 ? times.find((at) => at > time) : times.findLast((at) => at < time);
    if (target !== undefined) this.show(target);
    else if (direction === 1) this.#byUser({ kind: 'now' });
  }

  #times(): number[] {
    const entries = this.#source.run()?.entries ?? [];
    const first = this.#source.scale().pieces[0]?.from ?? 0;
    return entries.filter((entry) => entry.at >= first && !isRenewal(entry)).map(({ at }) => at);
  }

  #byUser(shown: Shown): void {
    this.#stopReplay();
    this.#show(shown);
  }

  #show(shown: Shown): void {
    this.#shown = shown;
    byId('to-now').setAttribute('aria-pressed', String(shown.kind === 'now'));
    this.#source.onShown(shown);
  }

  #toggleReplay(): void {
    if (this.#replay !== null) return this.#byUser(this.#shown);
    byId('replay').setAttribute('aria-pressed', 'true');
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) this.#replayByStay();
    else this.#replaySmoothly();
  }

  #replaySmoothly(): void {
    const start = performance.now();
    const stays = this.#source.scale().pieces.length;
    const { perStay, min, max, step } = REPLAY_MS;
    const length = Math.max(min, Math.min(max, stays * perStay));
    const advance = () => {
      const x = (performance.now() - start) / length;
      if (x >= 1) return this.#byUser({ kind: 'now' });
      this.#show({ kind: 'past', time: this.#source.scale().timeAt(x) });
    };
    this.#replay = setInterval(advance, step);
    advance();
  }

  #replayByStay(): void {
    let index = 0;
    const advance = () => {
      const piece = this.#source.scale().pieces[index];
      if (piece === undefined) return this.#byUser({ kind: 'now' });
      index += 1;
      this.#show({ kind: 'past', time: piece.from });
    };
    this.#replay = setInterval(advance, REPLAY_MS.perStay);
    advance();
  }

  #stopReplay(): void {
    if (this.#replay !== null) clearInterval(this.#replay);
    this.#replay = null;
    byId('replay').setAttribute('aria-pressed', 'false');
  }
}
