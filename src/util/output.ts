/**
 * The only way to standard output, and beside the log (log/log.ts) the only one to standard error.
 * Every line is escaped here: it may contain names of nodes, messages of servers, text from users.
 * Control sequences for a terminal are written here as well, so no text needs an exception.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { escaped } from './printable.ts';

export interface Output {
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Each on a line of its own: a line break within one is escaped. */
  readonly print: (lines: readonly string[]) => void;
  /** The same, replacing the last `previous` lines. For terminals. */
  readonly reprint: (lines: readonly string[], previous: number) => void;
  /** To standard error, after `lockex: `. Details are indented. */
  readonly complain: (line: string, details?: readonly string[]) => void;
  /** Resolves when everything is printed: to null, or to an error code except EPIPE (ENOSPC, …). */
  readonly flush: () => Promise<string | null>;
  /** Called when standard output has lost its reader. */
  readonly onUnread: (listener: () => void) => void;
}

const DEFAULT_COLUMNS = 80;
const CLEAR_BELOW = '\u001b[J';

/** Standard output and standard error. */
export function standardOutput(): Output {
  const { stdout } = process;
  let problem: string | null = null;
  stdout.on('error', ({ code = 'error' }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') problem = code;
  });
  return {
    isTerminal: stdout.isTTY === true && process.env['TERM'] !== 'dumb',
    get columns() {
      return stdout.columns || DEFAULT_COLUMNS;
    },
    get rows() {
      return stdout.rows || Number.POSITIVE_INFINITY;
    },
    print: (lines) => void stdout.write(joined(lines)),
    reprint: (lines, previous) => {
      const up = previous === 0 ? '' : `\u001b[${previous}A\r`;
      stdout.write(`${up}${CLEAR_BELOW}${joined(lines)}`);
    },
    complain,
    flush: async () => {
      await new Promise((resolve) => stdout.write('', resolve));
      // The error is reported after that.
      await turn();
      return problem;
    },
    onUnread: (listener) => void stdout.on('error', listener),
  };
}

/** Works without standard output. */
export function complain(line: string, details: readonly string[] = []): void {
  const { stderr } = process;
  // Without a reader there is nowhere to report the error.
  if (!stderr.listeners('error').includes(ignore)) stderr.on('error', ignore);
  stderr.write(joined([`lockex: ${line}`, ...details.map((detail) => `  ${detail}`)]));
}

function ignore(): void {}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${escaped(line)}\n`).join('');
}
