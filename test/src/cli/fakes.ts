/** A terminal or a file to log to. */
import type { Sink } from '../../../src/log/stderr.ts';

const ESCAPE = '\u001b';
const CLEAR_LINE = `\r${ESCAPE}[K`;
/** Line ends, the escape sequences that the log may write, text, and anything else. */
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

  /** The complete lines so far. */
  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }

  /**
   * The content of a terminal: lines, and the text on the last one. Interprets the escape sequences
   * that the log may write, and throws on any other.
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
