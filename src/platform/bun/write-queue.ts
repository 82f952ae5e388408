/** What Bun's sockets leave to who uses them: it takes what it can of a write, and hides what is thrown. */

interface Item {
  readonly bytes: Uint8Array;
  readonly onTaken: (() => void) | undefined;
}

export class WriteQueue {
  #socket: Bun.Socket | null = null;
  readonly #kept: Item[] = [];

  /** The socket stands: from here on what was kept is written. */
  open(socket: Bun.Socket): void {
    this.#socket = socket;
    this.flush();
  }

  /** `onTaken`: the kernel has all of it. False: it has to be waited for, with what comes behind. */
  write(bytes: Uint8Array, onTaken?: () => void): boolean {
    this.#kept.push({ bytes, onTaken });
    return this.flush();
  }

  /** True when nothing is left. */
  flush(): boolean {
    for (let next = this.#kept[0]; next !== undefined; next = this.#kept[0]) {
      const taken = Math.max(0, this.#socket?.write(next.bytes) ?? 0);
      if (taken < next.bytes.length) {
        this.#kept[0] = { ...next, bytes: next.bytes.subarray(taken) };
        return false;
      }
      this.#kept.shift();
      next.onTaken?.();
    }
    return true;
  }

  /** What is kept will never be written. */
  close(): void {
    this.#socket = null;
    for (const { onTaken } of this.#kept.splice(0)) onTaken?.();
  }
}

/** Bun gives what a handler of a socket throws to another of its handlers: here it is a bug as any. */
export function rethrow(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
