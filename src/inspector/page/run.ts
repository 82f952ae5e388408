/**
 * What the page knows of one run: its entries and its queue, each with the time, so that earlier
 * moments can be shown. Bounded. Pure.
 */
import type { FeedEntry, FeedHead, FeedMessage } from '../feed.ts';

export type LockReport = Omit<Extract<FeedMessage, { type: 'lock' }>, 'type'>;

/** A stay in one state. `to` is null while the run is in it. */
export interface Stay {
  readonly state: string;
  readonly from: number;
  readonly to: number | null;
}

export const MAX_ENTRIES = 10_000;
/** Of entries, as JSON. */
export const MAX_BYTES = 2_000_000;
/** Limited separately: a renewal every few seconds would displace all other entries. */
export const MAX_RENEWALS = 1000;
const MAX_LOCKS = 500;

export class Run {
  readonly head: FeedHead;
  exitCode: number | null = null;
  #entries: FeedEntry[] = [];
  #sizes = new WeakMap<FeedEntry, number>();
  #bytes = 0;
  #renewals = 0;
  #locks: LockReport[] = [];
  #stays: Stay[] | null = null;

  constructor(head: FeedHead) {
    this.head = head;
  }

  /** In order of number and time. */
  get entries(): readonly FeedEntry[] {
    return this.#entries;
  }

  get locks(): readonly LockReport[] {
    return this.#locks;
  }

  /** The size of the entries as JSON, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Ignores entries that are known already: a page that reconnects gets the history again. */
  add(entry: FeedEntry): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && entry.number <= last.number) return;
    // lockex's wall clock may be set back; the page needs times in order.
    const ordered = last !== undefined && entry.at < last.at ? { ...entry, at: last.at } : entry;
    const size = JSON.stringify(ordered).length;
    this.#entries.push(ordered);
    this.#sizes.set(ordered, size);
    this.#bytes += size;
    if (isRenewal(ordered)) this.#renewals += 1;
    this.#stays = null;
    this.#trim();
  }

  addLock(report: LockReport): void {
    this.#locks.push(report);
    if (this.#locks.length > MAX_LOCKS) this.#locks.shift();
  }

  /** The index of the last entry at this time; 0 before the first entry. */
  indexAt(time: number): number {
    return Math.max(
      0,
      this.#entries.findLastIndex(({ at }) => at <= time),
    );
  }

  /** The queue as it was last read before this time; null: it had not been read. */
  lockAt(time: number): LockReport | null {
    return this.#locks.findLast(({ at }) => at <= time) ?? null;
  }

  /** The index of the first entry of the stay that an entry belongs to. */
  stayStart(index: number): number {
    const { state } = this.#entries[index] ?? {};
    let first = index;
    while (first > 0 && this.#entries[first - 1]?.state === state) first -= 1;
    return first;
  }

  stays(): readonly Stay[] {
    this.#stays ??= staysOf(this.#entries);
    return this.#stays;
  }

  #trim(): void {
    while (this.#renewals > MAX_RENEWALS) this.#drop(this.#entries.findIndex(isRenewal));
    while (this.#entries.length > MAX_ENTRIES || this.#bytes > MAX_BYTES) this.#drop(0);
  }

  #drop(index: number): void {
    const [dropped] = this.#entries.splice(index, 1);
    if (dropped === undefined) return;
    this.#bytes -= this.#sizes.get(dropped) ?? 0;
    if (isRenewal(dropped)) this.#renewals -= 1;
  }
}

export function isRenewal({ event }: FeedEntry): boolean {
  return event?.type === 'lease.renewed';
}

function staysOf(entries: readonly FeedEntry[]): Stay[] {
  const stays: Stay[] = [];
  for (const { state, at } of entries) {
    const last = stays.at(-1);
    if (last?.state === state) continue;
    if (last !== undefined) stays[stays.length - 1] = { ...last, to: at };
    stays.push({ state, from: at, to: null });
  }
  return stays;
}
