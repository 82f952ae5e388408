/**
 * The log: text lines or JSON lines, through winston, to standard error. Fields and formats are
 * described in docs/logging.md.
 *
 * The parts that winston does not provide:
 *
 * - Until winston is loaded, the same functions format the lines, and they are printed directly.
 *   Loading it takes a tenth of a short run, and memory of a standby that waits for months; most
 *   runs log only the few lines of their start (docs/decisions/0004-startup-time.md).
 * - stderr.ts writes without blocking: winston's Console transport uses process.stderr, which makes
 *   the command's pipe non-blocking, or blocks on a stopped terminal.
 * - repetition.ts counts repeated lines, and `live` draws a line in place.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Logger } from 'winston';
import { type Clock, processAgeMs, systemClock } from '../util/clock.ts';
import { LOG_LEVELS, type LogLevel } from '../util/log-level.ts';
import { describeError } from './describe-error.ts';
import {
  CLEAR_LINE,
  type Entry,
  type EntryFormat,
  formatEntry,
  type LogFields,
  liveLine,
} from './entry.ts';
import { isForegroundJob } from './foreground.ts';
import { Repetitions } from './repetition.ts';
import { type Sink, Stderr } from './stderr.ts';

export interface LogOptions {
  readonly format: 'text' | 'json';
  readonly level: LogLevel;
  readonly lockId: string;
  readonly pid: number;
  readonly sink?: Sink;
  /** For NO_COLOR and TERM=dumb, which turn off colours. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** False while another job is the terminal's foreground job; called before each drawing. */
  readonly isForeground?: () => boolean;
  /** Time after its creation during which the log does not load winston; milliseconds. */
  readonly startMs?: number;
  /** Clock for repeated lines. */
  readonly clock?: Clock;
}

export interface Log {
  readonly write: (level: LogLevel, message: string, fields?: LogFields) => void;
  /** Logs a bug, synchronously; with its stack at level debug only. */
  fail(error: unknown): void;
  /** Draws one line at the bottom of a terminal, replaced by the next; null removes it. */
  live(text: string | null): void;
  /** False if `live` draws nothing. */
  readonly isLive: boolean;
  /**
   * Resolves when everything is written, or after one second each for winston and for the reader of
   * standard error. Later lines are still logged: an actor may log while it is disposed.
   */
  flush(): Promise<void>;
}

const FLUSH_MS = 1000;
/** Lines that are logged within this time do not load winston. */
const START_MS = 1000;
/** Loading winston is delayed by this time, because the logged event may be urgent. */
const LOAD_AFTER_MS = 50;

export function createLog(options: LogOptions): Log {
  return new LineLog(options);
}

class LineLog implements Log {
  readonly #options: LogOptions;
  readonly #sink: Sink;
  readonly #isForeground: () => boolean;
  readonly #format: EntryFormat;
  readonly #createdAt = processAgeMs();
  readonly isLive: boolean;
  #liveText: string | null = null;
  /** The last state that was logged, for lines without a state. */
  #state: unknown = null;
  /** Entries of this turn, oldest first. */
  readonly #waiting: Entry[] = [];
  /** Entries that winston has not printed yet; `process.exit` would lose them. */
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
    const canDraw = this.#sink.isTerminal && env['TERM'] !== 'dumb';
    const isVerbose = options.level === 'info' || options.level === 'debug';
    this.isLive = canDraw && options.format === 'text' && isVerbose;
    const { format, lockId, pid } = options;
    this.#format = { format, lockId, pid, isColoured: canDraw && !env['NO_COLOR'] };
  }

  // Bound, because it is passed as a function.
  readonly write = (level: LogLevel, message: string, fields?: LogFields): void => {
    this.#state = fields?.['state'] ?? this.#state;
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.#options.level)) return;
    const entry = this.#entryOf(level, message, fields);
    if (this.#repetitions.admits(entry)) this.#add(entry);
  };

  #add(entry: Entry): void {
    this.#waiting.push(entry);
    if (
      !this.#isLoadDue &&
      processAgeMs() - this.#createdAt > (this.#options.startMs ?? START_MS)
    ) {
      this.#isLoadDue = true;
      setTimeout(() => void this.#load(), LOAD_AFTER_MS).unref();
    }
    this.#drainSoon();
  }

  fail(error: unknown): void {
    this.#repetitions.flush();
    // The process may end in this turn, before winston would print a line.
    const { summary, details } = describeError(error, this.#options.level);
    const last = { ...this.#entryOf('error', summary), details };
    const lines = [...this.#waiting.splice(0), last].map((entry) => `${this.#formatted(entry)}\n`);
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
    // winston is not ended: it throws at a line that is logged after that.
    this.#drain();
    const bound = processAgeMs() + FLUSH_MS;
    while (this.#pending > 0 && processAgeMs() < bound) await turn();
    await this.#sink.flush(FLUSH_MS);
    // Entries that were logged meanwhile.
    this.#drain();
  }

  #print(text: string): void {
    const live = this.#liveText;
    this.#sink.write(live === null ? text : `${CLEAR_LINE}${text}${live}`);
  }

  #formatted(entry: Entry): string {
    return formatEntry(entry, this.#format);
  }

  #entryOf(level: LogLevel, message: string, fields: LogFields = {}): Entry {
    return { level, message, fields: { ...fields, state: this.#state }, at: new Date() };
  }

  #droppedLine(lines: number): string {
    const message = `${lines} lines were dropped here: standard error was not read in time`;
    return this.#formatted(this.#entryOf('warn', message));
  }

  async #load(): Promise<void> {
    const { createWinston } = await import('./winston.ts');
    this.#winston = createWinston(this.#options.level, this.#format, (line) => {
      this.#pending -= 1;
      this.#print(`${line}\n`);
    });
  }

  #drain(): void {
    this.#isDrainDue = false;
    for (const entry of this.#waiting.splice(0)) {
      if (this.#winston === null) this.#print(`${this.#formatted(entry)}\n`);
      else {
        this.#pending += 1;
        this.#winston.log(entry);
      }
    }
  }

  /** Drains after this turn, in which a gate may be opened or a lock released. */
  #drainSoon(): void {
    if (!this.#isDrainDue) setImmediate(() => this.#drain());
    this.#isDrainDue = true;
  }
}
