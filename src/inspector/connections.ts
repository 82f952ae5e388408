/**
 * Bounds the TCP connections of the inspector's server until they become viewers. Each has a
 * deadline, against incomplete requests and clients that read slowly or not at all. Their number is
 * limited: a new connection replaces the oldest one.
 */
import type { Socket } from 'node:net';

export interface ConnectionBounds {
  /** Connections other than viewers. */
  readonly maxPending: number;
  /** Milliseconds until a connection that has not become a viewer is closed. */
  readonly maxPendingMs: number;
}

export class Connections {
  readonly #bounds: ConnectionBounds;
  /** With the timers that close them; oldest first. */
  readonly #pending = new Map<Socket, NodeJS.Timeout>();

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  /** Connections other than viewers. */
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

  /** The connection has become a viewer: it has no deadline any more. */
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
