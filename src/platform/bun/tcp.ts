/**
 * Replaces src/platform/tcp.ts in the standalone executable, with Bun's own API: loading node:net
 * would take four milliseconds of a start. As with node:net, a name is looked up for each
 * connection, and all of its addresses are tried; Bun itself caches an address for 30 seconds.
 */
import { EventEmitter } from 'node:events';
import { type Host, isAddress } from '../../settings/access.ts';
import type { ServerSocket } from '../tcp.ts';
import { rethrow, WriteQueue } from './write-queue.ts';

/**
 * Bun cannot cancel a connection attempt: it lasts until the kernel gives up, after two minutes.
 * After one attempt has hung, the next ones use node:net, which can cancel them.
 */
let hasHung = false;

export function connectTcp({ host: name, port, address }: Host): ServerSocket {
  const host = address ?? name;
  if (!hasHung) return new TcpSocket(host, port);
  return process.getBuiltinModule('node:net').connect({ host, port, noDelay: true });
}

class TcpSocket extends EventEmitter implements ServerSocket {
  readonly #writeQueue = new WriteQueue();
  #socket: Bun.Socket | null = null;
  #state: 'connecting' | 'open' | 'ended' = 'connecting';

  constructor(host: string, port: number) {
    super();
    this.#connect(host, port).catch((error: Error) => this.#ended(error));
  }

  get destroyed(): boolean {
    return this.#state === 'ended';
  }

  write(bytes: Uint8Array, onTaken?: () => void): boolean {
    if (!this.destroyed) return this.#writeQueue.write(bytes, onTaken);
    onTaken?.();
    return false;
  }

  destroy(): void {
    hasHung ||= this.#state === 'connecting';
    this.#end();
  }

  /** Rejects with the error of the last address. */
  async #connect(host: string, port: number): Promise<void> {
    const addresses = isAddress(host) ? [host] : await lookup(host);
    let failure: unknown = null;
    for (const address of addresses) {
      if (this.destroyed) return;
      try {
        await this.#connectTo(address, port);
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async #connectTo(hostname: string, port: number): Promise<void> {
    await Bun.connect({
      hostname,
      port,
      socket: {
        open: (socket) => this.#opened(socket),
        data: (_, bytes) => void (this.destroyed || this.emit('data', bytes)),
        drain: () => void (this.#writeQueue.flush() && !this.destroyed && this.emit('drain')),
        close: (_, error) => this.#ended(error ?? null),
        error: (_, error) => rethrow(error),
        // The promise rejects as well.
        connectError: () => {},
      },
    });
  }

  #opened(socket: Bun.Socket): void {
    if (this.destroyed) return socket.close();
    this.#state = 'open';
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#writeQueue.open(socket);
    this.emit('connect');
  }

  /** Closed by an error, or by the peer. */
  #ended(error: Error | null): void {
    if (this.destroyed) return;
    this.#end();
    if (error !== null) this.emit('error', error);
    this.emit('close');
  }

  #end(): void {
    this.#state = 'ended';
    this.#writeQueue.close();
    this.#socket?.close();
  }
}

/** Returns at least one address. Rejects with the error codes of node:dns. */
async function lookup(name: string): Promise<string[]> {
  try {
    const found = await Bun.dns.lookup(name, { backend: 'libc' });
    if (found.length > 0) return found.map(({ address }) => address);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw Object.assign(new Error(message), { code: code.replace(/^DNS_/, '') });
  }
  throw Object.assign(new Error(`no address of ${name}`), { code: 'ENOTFOUND' });
}
