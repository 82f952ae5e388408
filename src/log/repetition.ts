/**
 * Limits repeated lines: the first ones within a few seconds are written, the others are counted,
 * and one line reports the count. Retries are paced elsewhere (zookeeper/back-off.ts); this only
 * keeps the log from filling a disk.
 */
import type { Clock } from '../util/clock.ts';
import type { LogLevel } from '../util/log-level.ts';

interface Line {
  readonly level: LogLevel;
  readonly message: string;
}

interface Span<L> {
  /** Milliseconds. */
  since: number;
  written: number;
  counted: number;
  last: L;
}

/** Number of equal lines that are written within a span. */
export const WRITTEN_LINES = 10;
/** Milliseconds. */
export const SPAN_MS = 10_000;
/** Number of different lines that are remembered; the oldest is removed first. */
const MAX_SPANS = 200;

export class Repetitions<L extends Line> {
  readonly #clock: Clock;
  readonly #write: (line: L) => void;
  /** The key is level and message; the oldest first. */
  readonly #spans = new Map<string, Span<L>>();
  #timer: unknown = null;

  /** `write` receives the lines with the number of repetitions. */
  constructor(clock: Clock, write: (line: L) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** Returns true if the line should be written. */
  admits(line: L): boolean {
    const now = this.#clock.now();
    const key = `${line.level} ${line.message}`;
    const known = this.#spans.get(key);
    if (known === undefined || (known.counted === 0 && now - known.since >= SPAN_MS)) {
      this.#begin(key, { since: now, written: 1, counted: 0, last: line });
      return true;
    }
    known.last = line;
    if (known.written < WRITTEN_LINES) {
      known.written += 1;
      return true;
    }
    if (known.counted === 0) known.since = now;
    known.counted += 1;
    // Insertion order becomes the order in which lines were last seen.
    this.#spans.delete(key);
    this.#spans.set(key, known);
    this.#timer ??= this.#clock.setTimeout(() => this.flush(), SPAN_MS);
    return false;
  }

  /** Writes the current counts. Further repetitions are still counted. */
  flush(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    for (const span of this.#spans.values()) this.#conclude(span);
  }

  #begin(key: string, span: Span<L>): void {
    this.#spans.delete(key);
    this.#spans.set(key, span);
    const [oldest] = this.#spans;
    if (oldest === undefined || this.#spans.size <= MAX_SPANS) return;
    this.#conclude(oldest[1]);
    this.#spans.delete(oldest[0]);
  }

  #conclude(span: Span<L>): void {
    if (span.counted === 0) return;
    const now = this.#clock.now();
    const seconds = Math.max(1, Math.round((now - span.since) / 1000));
    const times = span.counted === 1 ? 'once' : `${span.counted} times`;
    const message = `${span.last.message} (repeated ${times} in ${seconds} s)`;
    span.counted = 0;
    span.since = now;
    this.#write({ ...span.last, message });
  }
}
