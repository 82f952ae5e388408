/**
 * Lines over the one descriptor that the gate and the guard share with us. A peer that is gone is an
 * end, never an exception: who it was notices it by the process's own end.
 */
import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';

/** Where the script finds it. */
export const LINE_DESCRIPTOR = 3;

export class Lines {
  readonly #socket: Duplex;
  #partial = '';

  /** `onEnd` is told once, when nothing more can come. */
  constructor(child: ChildProcess, onLine: (line: string) => void, onEnd: () => void) {
    this.#socket = child.stdio[LINE_DESCRIPTOR] as Duplex;
    this.#socket.on('error', () => {});
    this.#socket.on('data', (chunk: Buffer) => {
      const lines = (this.#partial + chunk.toString()).split('\n');
      this.#partial = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    this.#socket.once('close', onEnd);
  }

  /** All in one write, so that the other side never sees half of it. */
  send(...lines: readonly string[]): void {
    if (!this.#socket.destroyed) this.#socket.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** Don't keep lockex alive for this. */
  unref(): void {
    (this.#socket as Duplex & { unref?: () => void }).unref?.();
  }

  close(): void {
    this.#socket.destroy();
  }
}
