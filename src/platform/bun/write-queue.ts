/** Queues writes to a Bun socket, which may accept only a part of one. */

interface Item {
  readonly bytes: Uint8Array;
  readonly onTaken: (() => void) | undefined;
}

export class WriteQueue {
  #socket: Bun.Socket | null = null;
  readonly #queued: Item[] = [];

  /** The socket is connected: writes what was queued. */
  open(socket: Bun.Socket): void {
    this.#socket = socket;
    this.flush();
  }

  /** `onTaken`: the kernel has all of it. False if a part is still queued. */
  write(bytes: Uint8Array, onTaken?: () => void): boolean {
    this.#queued.push({ bytes, onTaken });
    return this.flush();
  }

  /** True if nothing is left. */
  flush(): boolean {
    for (let next = this.#queued[0]; next !== undefined; next = this.#queued[0]) {
      const taken = Math.max(0, this.#socket?.write(next.bytes) ?? 0);
      if (taken < next.bytes.length) {
        this.#queued[0] = { ...next, bytes: next.bytes.subarray(taken) };
        return false;
      }
      this.#queued.shift();
      next.onTaken?.();
    }
    return true;
  }

  /** Drops what is queued. */
  close(): void {
    this.#socket = null;
    for (const { onTaken } of this.#queued.splice(0)) onTaken?.();
  }
}

/** Rethrows an error as uncaught. (Bun passes errors of a socket handler to another handler.) */
export function rethrow(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
