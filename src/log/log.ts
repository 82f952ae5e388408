/**
 * The log: lines for people or JSON lines for programs, through winston, to standard error. Knows
 * nothing of what it logs. Fields and formats are described in docs/logging.md.
 *
 * winston is loaded for those who have more to say than the few lines of a start: it would take a
 * tenth of a short run, and of the memory of a standby that waits for months. Until it is there, lines
 * are printed without it, in the same shape.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Logger } from 'winston';
import { type Clock, processAgeMs, systemClock } from '../util/clock.ts';
import { LOG_LEVELS, type LogLevel } from '../util/log-level.ts';
import { escapedJson, printable } from '../util/printable.ts';
import { describeError } from './describe-error.ts';
import { isForegroundJob } from './foreground.ts';
import { Repetitions } from './repetition.ts';
import { type Sink, Stderr } from './stderr.ts';

/** JSON-safe; the names are stable. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One line, before it has a shape. */
export interface Entry {
  readonly level: LogLevel;
  readonly message: string;
  /** Lines below it. */
  readonly details?: readonly string[];
  readonly fields: LogFields;
  readonly at: Date;
}

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
  /** How long winston is not worth its loading, from the beginning. */
  readonly startMs?: number;
  /** For lines that are repeated. */
  readonly clock?: Clock;
}

export interface Log {
  readonly write: (level: LogLevel, message: string, fields?: LogFields) => void;
  /** Something that nobody foresaw; written at once, with its stack at level debug only. */
  fail(error: unknown): void;
  /** One line at the bottom of a terminal, replaced by the next; null takes it away. */
  live(text: string | null): void;
  /** Whether `live` shows anything. */
  readonly isLive: boolean;
  /**
   * Resolves when all is written, or after a second for each of the two that lines pass: winston,
   * and whoever reads. The log goes on: an actor that is being put away may still have a word.
   */
  flush(): Promise<void>;
}

const FLUSH_MS = 1000;
/** Lines that are written sooner after the log was made are those of a start. */
const START_MS = 1000;
/** What a line tells of may be urgent: winston is loaded a little later. */
const LOAD_AFTER_MS = 50;
/** Of one line; characters. */
const MAX_MESSAGE_LENGTH = 2000;
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
  return new LineLog(options);
}

class LineLog implements Log {
  readonly #options: LogOptions;
  readonly #sink: Sink;
  readonly #isForeground: () => boolean;
  readonly #isColoured: boolean;
  readonly #madeAt = processAgeMs();
  readonly isLive: boolean;
  #liveText: string | null = null;
  /** As last told: what happens in a state without changing it is logged with it as well. */
  #state: unknown = null;
  /** Lines that wait for the end of this turn, oldest first. */
  readonly #waiting: Entry[] = [];
  /** Lines that winston was given and has not handed on; at `process.exit` they are lost. */
  #pending = 0;
  readonly #repetitions: Repetitions<Entry>;
  #winston: Logger | null = null;
  #isLoadDue = false;
  #isDrainDue = false;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#sink = options.sink ?? new Stderr((dropped) => `${this.#droppedLine(dropped)}\n`);
    this.#isForeground = options.isForeground ?? isForegroundJob;
    this.#repetitions = new Repetitions(options.clock ?? systemClock, (entry) => this.#add(entry));
    const env = options.env ?? process.env;
    const canSteer = this.#sink.isTerminal && env['TERM'] !== 'dumb';
    const isTalkative = options.level === 'info' || options.level === 'debug';
    this.isLive = canSteer && options.format === 'text' && isTalkative;
    this.#isColoured = canSteer && !env['NO_COLOR'];
  }

  // Bound: it is handed on by itself.
  readonly write = (level: LogLevel, message: string, fields?: LogFields): void => {
    this.#state = fields?.['state'] ?? this.#state;
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.#options.level)) return;
    const entry = this.#entryOf(level, message, fields);
    if (this.#repetitions.admits(entry)) this.#add(entry);
  };

  #add(entry: Entry): void {
    this.#waiting.push(entry);
    if (!this.#isLoadDue && processAgeMs() - this.#madeAt > (this.#options.startMs ?? START_MS)) {
      this.#isLoadDue = true;
      setTimeout(() => void this.#load(), LOAD_AFTER_MS).unref();
    }
    this.#drainSoon();
  }

  fail(error: unknown): void {
    this.#repetitions.flush();
    // The process may end in this very turn, before winston would hand a line on.
    const { summary, details } = describeError(error, this.#options.level);
    const last = { ...this.#entryOf('error', summary), details };
    const lines = [...this.#waiting.splice(0), last].map((entry) => `${this.#shaped(entry)}\n`);
    this.#sink.writeLast(`${this.#liveText === null ? '' : CLEAR_LINE}${lines.join('')}`);
    this.#liveText = null;
  }

  live(text: string | null): void {
    if (!this.isLive) return;
    const isShown = text !== null && this.#isForeground();
    const fitting = isShown ? liveLine(text, this.#sink.columns) : null;
    if (fitting === this.#liveText) return;
    this.#sink.write(CLEAR_LINE + (fitting ?? ''));
    this.#liveText = fitting;
  }

  async flush(): Promise<void> {
    this.#repetitions.flush();
    // Not by ending it: winston throws at a line that is written after that.
    this.#drain();
    const bound = processAgeMs() + FLUSH_MS;
    while (this.#pending > 0 && processAgeMs() < bound) await turn();
    await this.#sink.flush(FLUSH_MS);
    // What was said meanwhile.
    this.#drain();
  }

  #print(text: string): void {
    const live = this.#liveText;
    this.#sink.write(live === null ? text : `${CLEAR_LINE}${text}${live}`);
  }

  #shaped(entry: Entry): string {
    const isJson = this.#options.format === 'json';
    return isJson ? jsonLine(entry, this.#options) : textLine(entry, this.#isColoured);
  }

  #entryOf(level: LogLevel, message: string, fields: LogFields = {}): Entry {
    return { level, message, fields: { ...fields, state: this.#state }, at: new Date() };
  }

  #droppedLine(lines: number): string {
    const words = `${lines} lines were dropped here: they were not read in time`;
    return this.#shaped(this.#entryOf('warn', words));
  }

  async #load(): Promise<void> {
    const { createWinston } = await import('./winston.ts');
    const shaped = (entry: Entry) => this.#shaped(entry);
    this.#winston = createWinston(this.#options.level, shaped, (line) => {
      this.#pending -= 1;
      this.#print(`${line}\n`);
    });
  }

  #drain(): void {
    this.#isDrainDue = false;
    for (const entry of this.#waiting.splice(0)) {
      if (this.#winston === null) this.#print(`${this.#shaped(entry)}\n`);
      else {
        this.#pending += 1;
        this.#winston.log(entry);
      }
    }
  }

  /** Not in this turn: a gate may be about to be opened in it, or a lock to be given back. */
  #drainSoon(): void {
    if (!this.#isDrainDue) setImmediate(() => this.#drain());
    this.#isDrainDue = true;
  }
}

/** Cut to the width. Characters may be two columns wide: what doesn't fit must not wrap either. */
function liveLine(text: string, columns: number): string {
  const line = [...printable(text, MAX_MESSAGE_LENGTH)].slice(0, Math.max(0, columns - 1)).join('');
  return `${WRAP_OFF}${line}${WRAP_ON}`;
}

/** What is written may hold anybody's text: here it is escaped, in each of the two shapes. */
function textLine({ level, message, details = [], at }: Entry, isColoured: boolean): string {
  // UTC: hosts agree on it, and local time would cost a standalone lockex five milliseconds.
  const time = `${at.toISOString().slice(0, 19)}Z`;
  const colour = isColoured ? COLOURS[level] : '';
  const mark = level === 'warn' || level === 'error' ? `${level}: ` : '';
  const text = [message, ...details.map((detail) => `  ${detail}`)]
    .map((line) => printable(line, MAX_MESSAGE_LENGTH))
    .join('\n');
  return `${time} lockex: ${colour}${mark}${text}${isColoured ? PLAIN : ''}`;
}

function jsonLine(
  { level, message, details = [], fields, at }: Entry,
  { lockId, pid }: LogOptions,
): string {
  const { state, ...others } = fields;
  const ts = at.toISOString();
  const text = [printable(message, MAX_MESSAGE_LENGTH), ...details.map((detail) => `  ${detail}`)];
  return escapedJson(
    JSON.stringify({ ts, level, state, message: text.join('\n'), lock: lockId, pid, ...others }),
  );
}
