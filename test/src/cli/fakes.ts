/** A terminal or a file to log to. */
import type { Sink } from '../../../src/log/stderr.ts';

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
