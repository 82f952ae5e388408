/**
 * The same as src/zookeeper/tcp.ts, by Bun's own means: node:net would cost a start four
 * milliseconds. A name with several addresses is tried at all of them, as there.
 */
import { EventEmitter } from 'node:events';
import type { Host } from '../access.ts';
import type { ServerSocket } from '../zookeeper/tcp.ts';
import { Outbox, rethrow } from './outbox.ts';

export function connectTcp({ host, port }: Host): ServerSocket {
  return new TcpSocket(host, port);
}

class TcpSocket extends EventEmitter implements ServerSocket {
  readonly #outbox = new Outbox();
  #socket: Bun.Socket | null = null;
  #isDestroyed = false;

  constructor(hostname: string, port: number) {
    super();
    Bun.connect({
      hostname,
      port,
      socket: {
        open: (socket) => this.#opened(socket),
        data: (_, bytes) => void (this.#isDestroyed || this.emit('data', bytes)),
        drain: () => void (this.#outbox.flush() && !this.#isDestroyed && this.emit('drain')),
        close: (_, error) => this.#ended(error ?? null),
        error: (_, error) => rethrow(error),
        connectError: (_, error) => this.#ended(error),
      },
    }).catch((error: Error) => this.#ended(error));
  }

  get destroyed(): boolean {
    return this.#isDestroyed;
  }

  write(bytes: Uint8Array, onTaken?: () => void): boolean {
    if (!this.#isDestroyed) return this.#outbox.write(bytes, onTaken);
    onTaken?.();
    return false;
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#outbox.close();
    this.#socket?.close();
  }

  #opened(socket: Bun.Socket): void {
    if (this.#isDestroyed) return socket.close();
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#outbox.open(socket);
    this.emit('connect');
  }

  /** By an error, or by the other side. */
  #ended(error: Error | null): void {
    if (this.#isDestroyed) return;
    this.destroy();
    if (error !== null) this.emit('error', error);
    this.emit('close');
  }
}
