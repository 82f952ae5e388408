/** The most recent entries of the feed, for viewers that connect later. Bounded. */
import type { LockexContext, LockexEvent, LockexTag } from '../../machines/contract.ts';
import type { Clock } from '../util/clock.ts';
import { type FeedEntry, factsOf, feedEvent } from './feed.ts';

const MAX_ENTRIES = 500;
/**
 * Limited separately: there is a renewal every few seconds, and they would displace all other
 * entries.
 */
const MAX_RENEWALS = 20;

/** The machine after a transition. */
export interface Observed {
  readonly state: string;
  readonly tags: readonly LockexTag[];
  readonly context: LockexContext;
}

export class History {
  readonly #clock: Clock;
  readonly #wallClock: () => number;
  #entries: FeedEntry[] = [];
  #renewals: FeedEntry[] = [];
  #number = 0;

  constructor(clock: Clock, wallClock: () => number = Date.now) {
    this.#clock = clock;
    this.#wallClock = wallClock;
  }

  add({ state, tags, context }: Observed, event: LockexEvent | null): FeedEntry {
    this.#number += 1;
    const entry = {
      number: this.#number,
      at: this.#wallClock(),
      ...{ state, tags },
      event: event && feedEvent(event),
      facts: factsOf(context, this.#clock.now()),
    };
    if (event?.type === 'lease.renewed') {
      this.#renewals.push(entry);
      if (this.#renewals.length > MAX_RENEWALS) this.#renewals.shift();
    } else {
      this.#entries.push(entry);
      if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
    }
    return entry;
  }

  /** In order of their numbers; older ones may be missing. */
  entries(): FeedEntry[] {
    return [...this.#entries, ...this.#renewals].sort((a, b) => a.number - b.number);
  }
}
