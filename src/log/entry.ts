/**
 * Entries of the log and their two formats, text and JSON; described in docs/logging.md. Pure:
 * winston applies these functions, and so does the log before winston is loaded.
 */
import type { LogLevel } from '../util/log-level.ts';
import { escapedJson, printable } from '../util/printable.ts';

/** JSON-safe; the names are public. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One entry, in the shape of winston's `info` objects. */
export interface Entry {
  readonly level: LogLevel;
  readonly message: string;
  /** Indented lines below the message. */
  readonly details?: readonly string[];
  readonly fields: LogFields;
  readonly at: Date;
}

export interface EntryFormat {
  readonly format: 'text' | 'json';
  readonly isColoured: boolean;
  /** Included in JSON only, like `pid`. */
  readonly lockId: string;
  readonly pid: number;
}

/** Characters of one line. */
const MAX_MESSAGE_LENGTH = 2000;
export const CLEAR_LINE = '\r\u001b[K';
const WRAP_OFF = '\u001b[?7l';
const WRAP_ON = '\u001b[?7h';
const COLOURS: Readonly<Record<LogLevel, string>> = {
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[36m',
  debug: '\u001b[2m',
};
const PLAIN = '\u001b[0m';

/** Without a line end. A message may contain untrusted text: both formats escape it. */
export function formatEntry(entry: Entry, options: EntryFormat): string {
  return options.format === 'json' ? jsonLine(entry, options) : textLine(entry, options.isColoured);
}

function textLine({ level, message, details = [], at }: Entry, isColoured: boolean): string {
  // UTC: all hosts agree on it, and local time would cost the standalone executable 5 ms.
  const time = `${at.toISOString().slice(0, 19)}Z`;
  const colour = isColoured ? COLOURS[level] : '';
  const mark = level === 'warn' || level === 'error' ? `${level}: ` : '';
  const text = [message, ...indented(details)]
    .map((line) => printable(line, MAX_MESSAGE_LENGTH))
    .join('\n');
  return `${time} lockex: ${colour}${mark}${text}${isColoured ? PLAIN : ''}`;
}

function jsonLine(
  { level, message, details = [], fields, at }: Entry,
  { lockId, pid }: EntryFormat,
): string {
  const { state, ...others } = fields;
  const text = [printable(message, MAX_MESSAGE_LENGTH), ...indented(details)].join('\n');
  const ts = at.toISOString();
  return escapedJson(
    JSON.stringify({ ts, level, state, message: text, lock: lockId, pid, ...others }),
  );
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/**
 * A line for the bottom of a terminal, truncated to its width. Characters may be two columns wide,
 * so wrapping is turned off while it is drawn.
 */
export function liveLine(text: string, columns: number): string {
  const line = [...printable(text, MAX_MESSAGE_LENGTH)].slice(0, Math.max(0, columns - 1)).join('');
  return `${WRAP_OFF}${line}${WRAP_ON}`;
}
