/**
 * Writes to standard error without ever waiting for whoever reads it. A reader that stands still (a
 * paused pager, a full pipe) would otherwise stop the event loop, and that costs the command its
 * lease.
 *
 * `process.stderr` is not used: it makes a pipe non-blocking, and the command shares that pipe. A
 * pipe or a terminal is opened anew through /proc, so that only our own end is non-blocking. Files
 * do not block, and must not be opened anew (the offset is shared). Sockets (the journal) can't be;
 * there a write may wait, and the guard holds the deadline.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

export interface Sink {
  readonly isTerminal: boolean;
  readonly columns: number;
  write(text: string): void;
  /** Resolves when everything is written, or after `boundMs`. */
  flush(boundMs: number): Promise<void>;
}

const STDERR = 2;
/** What is kept for a reader that stands still; older text goes first. */
const MOST_KEPT = 64 * 1024;
const RETRY_MS = 100;
const DEFAULT_COLUMNS = 80;

export class Stderr implements Sink {
  readonly isTerminal = isatty(STDERR);
  readonly #fd: number = ownEnd();
  #kept = Buffer.alloc(0);
  #retry: NodeJS.Timeout | null = null;

  get columns(): number {
    // Asking a terminal for its width needs a stream on it, which a terminal does not mind.
    return (this.isTerminal && process.stderr.columns) || DEFAULT_COLUMNS;
  }

  write(text: string): void {
    this.#kept = Buffer.concat([this.#kept, Buffer.from(text)]);
    if (this.#kept.length > MOST_KEPT) {
      const rest = this.#kept.subarray(this.#kept.length - MOST_KEPT / 2);
      this.#kept = Buffer.concat([Buffer.from('\n[lines were lost: nobody read them]\n'), rest]);
    }
    this.#drain();
  }

  async flush(boundMs: number): Promise<void> {
    const until = performance.now() + boundMs;
    while (this.#kept.length > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      this.#drain();
    }
  }

  #drain(): void {
    while (this.#kept.length > 0) {
      try {
        this.#kept = this.#kept.subarray(writeSync(this.#fd, this.#kept));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
          // Nobody will ever read it: a closed pipe must not end a lockex that holds a lock.
          this.#kept = Buffer.alloc(0);
          return;
        }
        this.#retry ??= setTimeout(() => {
          this.#retry = null;
          this.#drain();
        }, RETRY_MS).unref();
        return;
      }
    }
  }
}

/** Our own, non-blocking end of standard error where there can be one, else standard error. */
function ownEnd(): number {
  try {
    const stat = fstatSync(STDERR);
    if (!stat.isFIFO() && !isatty(STDERR)) return STDERR;
    return openSync(
      `/proc/self/fd/${STDERR}`,
      constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
  } catch {
    // Not Linux, a terminal of another user's, or no standard error at all.
    return STDERR;
  }
}
