/**
 * The TCP connections of the inspector's server. Each has a deadline until it becomes a viewer's, so
 * that half a request, a refusal that is not read, or a page that is fetched by a byte a minute
 * occupies nothing for long; and there are at most so many of them: a new one takes the place of the
 * oldest.
 */
import type { Socket } from 'node:net';

export interface ConnectionBounds {
  /** Connections that are not a viewer's. */
  readonly maxPending: number;
  /** Milliseconds until a connection that is not a viewer's is closed. */
  readonly maxPendingMs: number;
}

export class Connections {
  readonly #bounds: ConnectionBounds;
  /** With the timers that close them; oldest first. */
  readonly #pending = new Map<Socket, NodeJS.Timeout>();

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  /** Connections that are not a viewer's. */
  get pending(): number {
    return this.#pending.size;
  }

  accept(socket: Socket): void {
    const { maxPending, maxPendingMs } = this.#bounds;
    socket.on('error', () => {});
    socket.once('close', () => this.#forget(socket));
    const timer = setTimeout(() => this.#drop(socket), maxPendingMs).unref();
    this.#pending.set(socket, timer);
    const [oldest] = this.#pending.keys();
    if (this.#pending.size > maxPending && oldest !== undefined) this.#drop(oldest);
  }

  /** It is a viewer's, and stays for as long as the viewer does. */
  promote(socket: Socket): void {
    this.#forget(socket);
  }

  dropAll(): void {
    for (const socket of [...this.#pending.keys()]) this.#drop(socket);
  }

  #drop(socket: Socket): void {
    this.#forget(socket);
    socket.destroy();
  }

  #forget(socket: Socket): void {
    clearTimeout(this.#pending.get(socket));
    this.#pending.delete(socket);
  }
}
