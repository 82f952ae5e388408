/**
 * The log: lines for people or JSON lines for programs, through winston, to standard error. Knows
 * nothing of what it logs. Fields and formats are described in docs/logging.md.
 */

import { Writable } from 'node:stream';
import { createLogger, format, type Logform, type Logger, transports } from 'winston';
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
  /** Colour, where the sink is a terminal: NO_COLOR says no. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Log {
  readonly write: (level: LogLevel, message: string, fields?: LogFields) => void;
  /** Something that nobody foresaw; written at once, with its stack at level debug only. */
  readonly fail: (error: unknown) => void;
  /** One line at the bottom of a terminal, replaced by the next; null takes it away. */
  readonly live: (text: string | null) => void;
  /** Whether `live` shows anything. */
  readonly isLive: boolean;
  /** Resolves when all is written, or after a second. */
  readonly flush: () => Promise<void>;
}

const FLUSH_MS = 1000;
const CLEAR_LINE = '\r\u001b[K';
const COLOURS: Readonly<Record<LogLevel, string>> = {
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[36m',
  debug: '\u001b[2m',
};
const PLAIN = '\u001b[0m';

export function createLog(options: LogOptions): Log {
  const sink = options.sink ?? new Stderr();
  const env = options.env ?? process.env;
  const isLive = sink.isTerminal && options.format === 'text' && options.level !== 'error';
  const isColoured = sink.isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  let liveText: string | null = null;

  const print = (text: string) => {
    if (liveText === null) return sink.write(text);
    sink.write(`${CLEAR_LINE}${text}${liveText}`);
  };
  const logger = createLogger({
    level: options.level,
    format: options.format === 'json' ? jsonFormat(options) : textFormat(isColoured),
    transports: [
      new transports.Stream({
        eol: '',
        stream: new Writable({
          decodeStrings: false,
          write(text: string, _encoding, done) {
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
      logger.log({ level, message, fields });
    },
    fail: (error) => {
      const text = describeError(error, options.level);
      const line = { level: 'error', message: text, fields: {} } as const;
      const shaped = logger.format.transform({ ...line, [Symbol.for('level')]: 'error' });
      print(`${(shaped as Logform.TransformableInfo)[Symbol.for('message') as never]}\n`);
    },
    live: (text) => {
      if (!isLive) return;
      const fitting = text === null ? null : text.slice(0, Math.max(0, sink.columns - 1));
      if (fitting === liveText) return;
      sink.write(CLEAR_LINE + (fitting ?? ''));
      liveText = fitting;
    },
    flush: async () => {
      await ended(logger);
      await sink.flush(FLUSH_MS);
    },
  };
}

/** A stack is for those who asked for it. */
export function describeError(error: unknown, level: LogLevel): string {
  if (!(error instanceof Error)) return `lockex failed: ${String(error)}`;
  if (level === 'debug') return `lockex failed: ${error.stack ?? error.message}`;
  const [firstLine] = error.message.split('\n');
  return `lockex failed: ${firstLine} (--log-level debug tells more)`;
}

/** winston hands lines on later; what it has not handed on at `process.exit` is lost. */
async function ended(logger: Logger): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, FLUSH_MS);
    logger.once('finish', () => {
      clearTimeout(timer);
      // The transport has its last line one turn later.
      setImmediate(resolve);
    });
    logger.end();
  });
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
  return format.printf(({ level, message, fields }) =>
    JSON.stringify({
      ts: new Date().toISOString(),
      level,
      message,
      lock: lockId,
      pid,
      ...(fields as LogFields),
    }),
  );
}
