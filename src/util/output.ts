/**
 * The only writer of standard output and, apart from the log (log/log.ts), of standard error.
 * Escapes every line: it may contain names of nodes, messages of servers, text from users. Also
 * writes the control sequences for a terminal, so that no text has to contain them.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { escaped } from './printable.ts';

export interface Output {
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Prints each text on its own line: a line break within a text is escaped. */
  readonly print: (lines: readonly string[]) => void;
  /** The same, replacing the last `previous` lines. For terminals. */
  readonly reprint: (lines: readonly string[], previous: number) => void;
  /** Prints to standard error, after `lockex: `. Details are indented. */
  readonly printError: (line: string, details?: readonly string[]) => void;
  /** Resolves when everything is printed: to null, or to an error code except EPIPE (ENOSPC, …). */
  readonly flush: () => Promise<string | null>;
  /** Calls the listener when standard output has lost its reader. */
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
    printError,
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
export function printError(line: string, details: readonly string[] = []): void {
  const { stderr } = process;
  // Without a reader there is nowhere to report the error.
  if (!stderr.listeners('error').includes(ignore)) stderr.on('error', ignore);
  stderr.write(joined([`lockex: ${line}`, ...details.map((detail) => `  ${detail}`)]));
}

function ignore(): void {}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${escaped(line)}\n`).join('');
}
