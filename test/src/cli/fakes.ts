/** A terminal or a file to log to, and a clock that is set by hand. */
import type { Sink } from '../../../src/cli/stderr.ts';
import type { Clock } from '../../../src/clock.ts';

const ESCAPE = '\u001b';
const CLEAR_LINE = `\r${ESCAPE}[K`;
/** Line ends, what the log may send to steer a terminal, text, and anything else. */
const PARTS = new RegExp(
  `\\n|\\r${ESCAPE}\\[K|${ESCAPE}\\[\\?7[lh]|${ESCAPE}\\[\\d+m|\\P{Cc}+|[^]`,
  'gu',
);

export class FakeSink implements Sink {
  readonly isTerminal: boolean;
  columns = 80;
  text = '';

  constructor(isTerminal = false) {
    this.isTerminal = isTerminal;
  }

  write(text: string): void {
    this.text += text;
  }

  writeLast(text: string): void {
    this.text += text;
  }

  async flush(): Promise<void> {}

  /** Whole lines so far. */
  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }

  /**
   * What a terminal shows: lines, and below them what stands on the last one. Understands what the
   * log may send, and refuses anything else.
   */
  get screen(): string[] {
    const rows = [''];
    for (const [part] of this.text.matchAll(PARTS)) {
      if (part === '\n') rows.push('');
      else if (part === CLEAR_LINE) rows[rows.length - 1] = '';
      else if (!part.startsWith(ESCAPE)) {
        if (/\p{Cc}/u.test(part)) throw new Error(`sent to the terminal: ${JSON.stringify(part)}`);
        rows[rows.length - 1] += part;
      } else if (part === ESCAPE) throw new Error('an unknown escape sequence');
    }
    return rows;
  }
}

export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly callback: () => void }>();
  #last = 0;

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): number {
    this.#last += 1;
    this.#timers.set(this.#last, { at: this.#now + delayMs, callback });
    return this.#last;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  get timers(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= until);
      const [next] = due.sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next[0]);
      this.#now = next[1].at;
      next[1].callback();
    }
    this.#now = until;
  }
}
