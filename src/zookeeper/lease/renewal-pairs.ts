/**
 * Requests the pairs of confirmations that renew a lease (lease.ts, (c)): the second request of a
 * pair is sent after the answer to the first, the next pair at the time of `nextPairAt`.
 */
import type { Clock } from '../../util/clock.ts';
import type { Confirmation } from '../client.ts';
import { type Lease, nextPairAt } from './lease.ts';

export interface RenewalPairsOptions {
  readonly clock: Clock;
  readonly lease: () => Lease | null;
  readonly isAttached: () => boolean;
  /** A pair is due; schedules the next one. False: do not send this pair. */
  readonly onDue: () => boolean;
  /** One leader-confirmed request; null: it renewed nothing. */
  readonly confirm: () => Promise<Confirmation | null>;
}

/** Number of slow answers in a row after which the latency counts. */
const ANSWERS = 3;

export class RenewalPairs {
  readonly #options: RenewalPairsOptions;
  #timer: unknown;
  #dueAt = 0;
  /** Start time of the pair in progress; null: none. */
  #since: number | null = null;
  /** Latencies of the last answers, the newest last; milliseconds. */
  #latenciesMs: readonly number[] = Array(ANSWERS).fill(0);

  constructor(options: RenewalPairsOptions) {
    this.#options = options;
  }

  /** Time at which the next pair is due. */
  get dueAt(): number {
    return this.#dueAt;
  }

  /** Start time of the pair in progress, else of the next one. */
  get pairAt(): number {
    return this.#since ?? this.#dueAt;
  }

  /** Latency of each answer; one slow answer does not count, three in a row do; milliseconds. */
  get steadyLatencyMs(): number {
    return Math.min(...this.#latenciesMs);
  }

  noteLatency(latencyMs: number): void {
    this.#latenciesMs = [...this.#latenciesMs.slice(1), latencyMs];
  }

  /** Begins the next pair at this time. */
  startAt(dueAt: number): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = clock.setTimeout(() => void this.#renew(), dueAt - clock.now());
  }

  /**
   * Begins the next pair an interval after `begunAt`, the start of the last one; `pairMs`: the
   * duration of that pair, measured or expected.
   */
  startAfter(begunAt: number, pairMs = 2 * (this.#latenciesMs.at(-1) ?? 0)): void {
    const lease = this.#options.lease();
    if (lease !== null) this.startAt(nextPairAt(lease, begunAt, pairMs));
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#since = null;
  }

  async #renew(): Promise<void> {
    const { clock, isAttached, onDue, confirm } = this.#options;
    const now = clock.now();
    if (!onDue() || !isAttached()) return;
    this.#since = now;
    const isCurrent = () => this.#since === now;
    const first = await confirm();
    if (first !== null && isCurrent()) {
      this.startAfter(now);
      const second = isAttached() ? await confirm() : null;
      if (second !== null && isCurrent()) this.startAfter(now, second.answeredAt - now);
    }
    if (isCurrent()) this.#since = null;
  }
}
