/**
 * The same as src/zookeeper/tcp.ts, by Bun's own means: node:net would cost a start four
 * milliseconds. A name with several addresses is tried at all of them, as there.
 */
import { EventEmitter } from 'node:events';
import type { Host } from '../access.ts';
import type { ServerSocket } from '../zookeeper/tcp.ts';
import { Outbox, rethrow } from './outbox.ts';

/**
 * Bun can't take back a connection that it is still making: it would stay until the kernel gives up,
 * after two minutes. Once one has hung, node:net makes the others, which can.
 */
let hasHung = false;

export function connectTcp({ host: name, port, address }: Host): ServerSocket {
  const host = address ?? name;
  if (!hasHung) return new TcpSocket(host, port);
  return process.getBuiltinModule('node:net').connect({ host, port, noDelay: true });
}

class TcpSocket extends EventEmitter implements ServerSocket {
  readonly #outbox = new Outbox();
  #socket: Bun.Socket | null = null;
  #state: 'connecting' | 'open' | 'ended' = 'connecting';

  constructor(hostname: string, port: number) {
    super();
    Bun.connect({
      hostname,
      port,
      socket: {
        open: (socket) => this.#opened(socket),
        data: (_, bytes) => void (this.destroyed || this.emit('data', bytes)),
        drain: () => void (this.#outbox.flush() && !this.destroyed && this.emit('drain')),
        close: (_, error) => this.#ended(error ?? null),
        error: (_, error) => rethrow(error),
        connectError: (_, error) => this.#ended(error),
      },
    }).catch((error: Error) => this.#ended(error));
  }

  get destroyed(): boolean {
    return this.#state === 'ended';
  }

  write(bytes: Uint8Array, onTaken?: () => void): boolean {
    if (!this.destroyed) return this.#outbox.write(bytes, onTaken);
    onTaken?.();
    return false;
  }

  destroy(): void {
    hasHung ||= this.#state === 'connecting';
    this.#end();
  }

  #opened(socket: Bun.Socket): void {
    if (this.destroyed) return socket.close();
    this.#state = 'open';
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#outbox.open(socket);
    this.emit('connect');
  }

  /** By an error, or by the other side. */
  #ended(error: Error | null): void {
    if (this.destroyed) return;
    this.#end();
    if (error !== null) this.emit('error', error);
    this.emit('close');
  }

  #end(): void {
    this.#state = 'ended';
    this.#outbox.close();
    this.#socket?.close();
  }
}
