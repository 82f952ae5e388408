/**
 * The log: lines for people or JSON lines for programs, through winston, to standard error. Knows
 * nothing of what it logs. Fields and formats are described in docs/logging.md.
 */

import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { createLogger, format, type Logform, transports } from 'winston';
import { describeError } from './describe-error.ts';
import { isForegroundJob } from './foreground.ts';
import { escapedJson, printable } from './printable.ts';
import { type Sink, Stderr } from './stderr.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** JSON-safe; the names are stable. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface LogOptions {
  readonly format: 'text' | 'json';
  readonly level: LogLevel;
  readonly lockId: string;
  readonly pid: number;
  readonly sink?: Sink;
  /** Colour, where the sink is a terminal: NO_COLOR says no, and TERM=dumb. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether the terminal is ours to draw on; asked at every drawing. */
  readonly isForeground?: () => boolean;
}

export interface Log {
  readonly write: (level: LogLevel, message: string, fields?: LogFields) => void;
  /** Something that nobody foresaw; written at once, with its stack at level debug only. */
  readonly fail: (error: unknown) => void;
  /** One line at the bottom of a terminal, replaced by the next; null takes it away. */
  readonly live: (text: string | null) => void;
  /** Whether `live` shows anything. */
  readonly isLive: boolean;
  /**
   * Resolves when all is written, or after a second for each of the two that lines pass: winston,
   * and whoever reads. The log goes on: an actor that is being put away may still have a word.
   */
  readonly flush: () => Promise<void>;
}

const FLUSH_MS = 1000;
/** Of one line; characters. */
const LONGEST_MESSAGE = 2000;
const CLEAR_LINE = '\r\u001b[K';
const WRAP_OFF = '\u001b[?7l';
const WRAP_ON = '\u001b[?7h';
const COLOURS: Readonly<Record<LogLevel, string>> = {
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[36m',
  debug: '\u001b[2m',
};
const PLAIN = '\u001b[0m';

export function createLog(options: LogOptions): Log {
  const sink = options.sink ?? new Stderr((dropped) => `${droppedLine(dropped)}\n`);
  const env = options.env ?? process.env;
  const isForeground = options.isForeground ?? isForegroundJob;
  const canSteer = sink.isTerminal && env['TERM'] !== 'dumb';
  const isTalkative = options.level === 'info' || options.level === 'debug';
  const isLive = canSteer && options.format === 'text' && isTalkative;
  const isColoured = canSteer && !env['NO_COLOR'];
  let liveText: string | null = null;
  /** As last told: what happens in a state without changing it is logged with it as well. */
  let state: unknown = null;
  /** Lines that winston was given and has not handed on; at `process.exit` they are lost. */
  let pending = 0;

  const print = (text: string) => {
    if (liveText === null) return sink.write(text);
    sink.write(`${CLEAR_LINE}${text}${liveText}`);
  };
  /** The line that winston would make of it. */
  const shaped = (level: LogLevel, message: string) => {
    const info = { level, message, fields: { state }, [Symbol.for('level')]: level };
    const made = logger.format.transform(info) as Logform.TransformableInfo;
    return String(made[Symbol.for('message') as never]);
  };
  const droppedLine = (lines: number) =>
    shaped('warn', `${lines} lines were dropped here: they were not read in time`);
  const logger = createLogger({
    level: options.level,
    format: options.format === 'json' ? jsonFormat(options) : textFormat(isColoured),
    transports: [
      new transports.Stream({
        eol: '',
        stream: new Writable({
          decodeStrings: false,
          write(text: string, _encoding, done) {
            pending -= 1;
            print(`${text}\n`);
            done();
          },
        }),
      }),
    ],
  });
  return {
    isLive,
    write: (level, message, fields = {}) => {
      state = fields['state'] ?? state;
      if (!logger.isLevelEnabled(level)) return;
      const text = printable(message, LONGEST_MESSAGE);
      pending += 1;
      logger.log({ level, message: text, fields: { ...fields, state } });
    },
    fail: (error) => {
      // The process may end in this very turn, before winston would hand the line on.
      const line = shaped('error', describeError(error, options.level));
      sink.writeLast(`${liveText === null ? '' : CLEAR_LINE}${line}\n`);
      liveText = null;
    },
    live: (text) => {
      if (!isLive) return;
      const isShown = text !== null && isForeground();
      const fitting = isShown ? liveLine(text, sink.columns) : null;
      if (fitting === liveText) return;
      sink.write(CLEAR_LINE + (fitting ?? ''));
      liveText = fitting;
    },
    flush: async () => {
      // Not by ending it: winston throws at a line that is written after that.
      const bound = performance.now() + FLUSH_MS;
      while (pending > 0 && performance.now() < bound) await turn();
      await sink.flush(FLUSH_MS);
    },
  };
}

/** Cut to the width. Characters may be two columns wide: what doesn't fit must not wrap either. */
function liveLine(text: string, columns: number): string {
  const line = [...printable(text, LONGEST_MESSAGE)].slice(0, Math.max(0, columns - 1)).join('');
  return `${WRAP_OFF}${line}${WRAP_ON}`;
}

function textFormat(isColoured: boolean): Logform.Format {
  return format.printf(({ level, message }) => {
    const time = new Date().toTimeString().slice(0, 8);
    const colour = isColoured ? COLOURS[level as LogLevel] : '';
    const mark = level === 'warn' || level === 'error' ? `${level}: ` : '';
    return `${time} lockex: ${colour}${mark}${message}${isColoured ? PLAIN : ''}`;
  });
}

function jsonFormat({ lockId, pid }: LogOptions): Logform.Format {
  return format.printf(({ level, message, fields }) => {
    const { state, ...others } = fields as LogFields;
    const ts = new Date().toISOString();
    return escapedJson(JSON.stringify({ ts, level, state, message, lock: lockId, pid, ...others }));
  });
}
