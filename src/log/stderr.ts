/**
 * Writes to standard error; never throws, and never waits for whoever reads it. A terminal stopped
 * by ^S, or a pipe that nobody reads, would otherwise stop the event loop, and that costs the
 * command its lease.
 *
 * `process.stderr` is not used: it makes a pipe non-blocking, and the command shares that pipe (and
 * to a terminal it writes synchronously). Instead:
 *
 * - A pipe or a terminal is opened anew through /proc, so that only our own end is non-blocking.
 *   What it takes at once can't be lost at exit; the rest is kept and tried again.
 * - A file or /dev/null doesn't block, and must not be opened anew (the offset is shared).
 * - What is left (a socket, as under systemd's journal; no /proc; another user's terminal) is written
 *   by Node's thread pool, one write at a time. Should one wait for ever, all goes on but the very
 *   end: Node joins its pool at exit. The lock has been given back by then.
 *
 * What is kept for a reader that stands still is bounded; more is dropped, and counted.
 */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { isTerminal } from '../platform/terminals.ts';

export interface Sink {
  readonly isTerminal: boolean;
  readonly columns: number;
  write(text: string): void;
  /** The same, for a process that ends in this very turn. */
  writeLast(text: string): void;
  /** Resolves when everything is written, or after `boundMs`. */
  flush(boundMs: number): Promise<void>;
}

const STDERR = 2;
const MAX_KEPT_BYTES = 64 * 1024;
const RETRY_MS = 50;
const DEFAULT_COLUMNS = 80;

/** Bun, in the standalone executable, leaves its pool as it is at exit. */
const isPoolJoined = process.versions['bun'] === undefined;

type Way = 'atOnce' | 'pool' | 'closed';

export class Stderr implements Sink {
  readonly isTerminal: boolean;
  readonly #file: number;
  readonly #noteOf: (dropped: number) => string;
  #way: Way;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #dropped = 0;
  #isPoolBusy = false;
  #retry: NodeJS.Timeout | null = null;
  readonly #flushed: (() => void)[] = [];

  /** `noteOf` makes the line that stands for lines which were dropped. */
  constructor(noteOf: (dropped: number) => string) {
    this.#noteOf = noteOf;
    this.isTerminal = isTerminal(STDERR);
    [this.#file, this.#way] = wayTo(STDERR, this.isTerminal);
  }

  get columns(): number {
    // Asking a terminal for its width needs a stream on it, which a terminal does not mind.
    return (this.isTerminal && process.stderr.columns) || DEFAULT_COLUMNS;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    if (this.#way === 'closed' || bytes.length === 0) return;
    if (this.#keptBytes > 0 && this.#keptBytes + bytes.length > MAX_KEPT_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#keep(bytes);
    this.#drain();
  }

  writeLast(text: string): void {
    if (this.#way !== 'pool') return this.write(text);
    // Node joins its pool at exit: what has been handed to it is still written, what is kept is not.
    // It may overtake the line before it.
    const behindBusy = this.#kept.slice(this.#isPoolBusy ? 1 : 0);
    const last = Buffer.concat([...behindBusy, Buffer.from(text)]);
    if (isPoolJoined) return write(this.#file, last, () => {});
    try {
      writeSync(this.#file, last);
    } catch {
      // Nobody reads it.
    }
  }

  flush(boundMs: number): Promise<void> {
    if (this.#keptBytes === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const bound = setTimeout(resolve, boundMs);
      this.#flushed.push(() => {
        clearTimeout(bound);
        resolve();
      });
    });
  }

  #keep(bytes: Buffer): void {
    this.#kept.push(bytes);
    this.#keptBytes += bytes.length;
  }

  #drain(): void {
    if (this.#isPoolBusy || this.#retry !== null) return;
    if (this.#way === 'pool') this.#drainByPool();
    else this.#drainAtOnce();
  }

  #drainAtOnce(): void {
    for (let next = this.#kept[0]; next !== undefined; next = this.#kept[0]) {
      try {
        this.#wrote(next, writeSync(this.#file, next));
      } catch (error) {
        return this.#failed(error);
      }
    }
  }

  #drainByPool(): void {
    const [next] = this.#kept;
    if (next === undefined) return;
    this.#isPoolBusy = true;
    write(this.#file, next, (error, length) => {
      this.#isPoolBusy = false;
      if (error) return this.#failed(error);
      this.#wrote(next, length);
      this.#drain();
    });
  }

  #wrote(bytes: Buffer, length: number): void {
    this.#keptBytes -= length;
    if (length < bytes.length) this.#kept[0] = bytes.subarray(length);
    else this.#kept.shift();
    if (this.#keptBytes > 0) return;
    if (this.#dropped === 0) return this.#tellFlushed();
    this.#keep(Buffer.from(this.#noteOf(this.#dropped)));
    this.#dropped = 0;
  }

  #failed(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN' || code === 'EINTR') {
      // Doesn't keep the process alive: who wants to wait for a slow reader calls flush().
      this.#retry = setTimeout(() => {
        this.#retry = null;
        this.#drain();
      }, RETRY_MS).unref();
      return;
    }
    // A full disk may have room again. A closed pipe or terminal will never be read, and must not
    // end a lockex that holds a lock.
    if (code !== 'ENOSPC' && code !== 'EDQUOT') this.#way = 'closed';
    this.#kept.length = 0;
    this.#keptBytes = 0;
    this.#tellFlushed();
  }

  #tellFlushed(): void {
    for (const resolve of this.#flushed.splice(0)) resolve();
  }
}

function wayTo(file: number, isTerminal: boolean): [number, Way] {
  try {
    const stat = fstatSync(file);
    if (stat.isFile() || (stat.isCharacterDevice() && !isTerminal)) return [file, 'atOnce'];
    // Elsewhere than on Linux this would give the same open file, with the same flags.
    if (stat.isSocket() || process.platform !== 'linux') return [file, 'pool'];
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return [openSync(`/proc/self/fd/${file}`, O_WRONLY | O_NONBLOCK | O_NOCTTY), 'atOnce'];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return [file, code === 'EBADF' ? 'closed' : 'pool'];
  }
}
