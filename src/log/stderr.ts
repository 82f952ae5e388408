/**
 * Writes to standard error; never throws, and never waits for the reader. Otherwise a terminal
 * stopped by ^S, or a full pipe, would block the event loop, and the lease would be lost.
 *
 * `process.stderr` is not used: it makes a pipe non-blocking, also for the command, which shares
 * it, and it writes to a terminal synchronously. Instead:
 *
 * - A pipe or a terminal is opened again through /proc, so that only lockex's end is non-blocking.
 *   What it accepts at once can't be lost at exit; the rest is kept and retried.
 * - A file or /dev/null doesn't block, and must not be opened again (the offset is shared).
 * - Anything else (a socket, as under systemd's journal; no /proc; another user's terminal) is
 *   written by Node's thread pool, one write at a time. If a write never returns, only the exit
 *   waits for it: Node joins its pool at exit. The lock has been released by then.
 *
 * At most MAX_KEPT_BYTES are kept for a reader that has stopped; further lines are dropped and
 * counted.
 */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { isTerminal } from '../platform/terminals.ts';

export interface Sink {
  readonly isTerminal: boolean;
  readonly columns: number;
  write(text: string): void;
  /** The same, for a process that exits in this turn. */
  writeLast(text: string): void;
  /** Resolves when everything is written, or after `boundMs`. */
  flush(boundMs: number): Promise<void>;
}

const STDERR = 2;
const MAX_KEPT_BYTES = 64 * 1024;
const RETRY_MS = 50;
const DEFAULT_COLUMNS = 80;

/** Bun, in the standalone executable, does not join its pool at exit. */
const isPoolJoined = process.versions['bun'] === undefined;

type Method = 'atOnce' | 'pool' | 'closed';

export class Stderr implements Sink {
  readonly isTerminal: boolean;
  readonly #file: number;
  readonly #noteOf: (dropped: number) => string;
  #method: Method;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #dropped = 0;
  #isPoolBusy = false;
  #retry: NodeJS.Timeout | null = null;
  readonly #flushed: (() => void)[] = [];

  /** `noteOf` makes the line that replaces dropped lines. */
  constructor(noteOf: (dropped: number) => string) {
    this.#noteOf = noteOf;
    this.isTerminal = isTerminal(STDERR);
    [this.#file, this.#method] = methodFor(STDERR, this.isTerminal);
  }

  get columns(): number {
    // Only a stream reports the width of a terminal; creating it has side effects on pipes only.
    return (this.isTerminal && process.stderr.columns) || DEFAULT_COLUMNS;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    if (this.#method === 'closed' || bytes.length === 0) return;
    if (this.#keptBytes > 0 && this.#keptBytes + bytes.length > MAX_KEPT_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#keep(bytes);
    this.#drain();
  }

  writeLast(text: string): void {
    if (this.#method !== 'pool') return this.write(text);
    // Node joins its pool at exit: a write in progress is completed, kept bytes are lost. The last
    // line may overtake the one before it.
    const behindBusy = this.#kept.slice(this.#isPoolBusy ? 1 : 0);
    const last = Buffer.concat([...behindBusy, Buffer.from(text)]);
    if (isPoolJoined) return write(this.#file, last, () => {});
    try {
      writeSync(this.#file, last);
    } catch {
      // There is no reader.
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
    if (this.#method === 'pool') this.#drainByPool();
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
    if (this.#dropped === 0) return this.#resolveFlushed();
    this.#keep(Buffer.from(this.#noteOf(this.#dropped)));
    this.#dropped = 0;
  }

  #failed(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN' || code === 'EINTR') {
      // Does not keep the process alive: flush() waits for a slow reader.
      this.#retry = setTimeout(() => {
        this.#retry = null;
        this.#drain();
      }, RETRY_MS).unref();
      return;
    }
    // A full disk may get space again. A closed pipe or terminal will never be read, but must not
    // end lockex while it holds a lock.
    if (code !== 'ENOSPC' && code !== 'EDQUOT') this.#method = 'closed';
    this.#kept.length = 0;
    this.#keptBytes = 0;
    this.#resolveFlushed();
  }

  #resolveFlushed(): void {
    for (const resolve of this.#flushed.splice(0)) resolve();
  }
}

function methodFor(file: number, isTerminal: boolean): [number, Method] {
  try {
    const stat = fstatSync(file);
    if (stat.isFile() || (stat.isCharacterDevice() && !isTerminal)) return [file, 'atOnce'];
    // Except on Linux, this would return the same open file with the same flags.
    if (stat.isSocket() || process.platform !== 'linux') return [file, 'pool'];
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return [openSync(`/proc/self/fd/${file}`, O_WRONLY | O_NONBLOCK | O_NOCTTY), 'atOnce'];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return [file, code === 'EBADF' ? 'closed' : 'pool'];
  }
}
