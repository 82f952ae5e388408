/**
 * A TCP server that speaks just enough of ZooKeeper's protocol to misbehave in ways that a healthy
 * server does not. A test scripts each connection.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A client's connection. */
export class ScriptedConnection {
  readonly socket: Socket;
  /** From 1, in the order of the server's connections. */
  readonly number: number;
  readonly #frames: Buffer[] = [];
  readonly #waiting: ((frame: Buffer | null) => void)[] = [];
  #received: Buffer = Buffer.alloc(0);
  #closed = false;

  constructor(socket: Socket, number: number) {
    this.socket = socket;
    this.number = number;
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('close', () => {
      this.#closed = true;
      for (const waiting of this.#waiting.splice(0)) waiting(null);
    });
  }

  /** The next frame of the client, without its length; null when it has closed. */
  frame(): Promise<Buffer | null> {
    const frame = this.#frames.shift();
    if (frame) return Promise.resolve(frame);
    if (this.#closed) return Promise.resolve(null);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Answers the handshake; resolves with it. */
  async shakeHands({ timeoutMs = 4000, sessionId = 0x1234n } = {}): Promise<Buffer | null> {
    const asked = await this.frame();
    this.send(int(0), int(timeoutMs), long(sessionId), bytes(Buffer.alloc(16, 7)));
    return asked;
  }

  /** One frame. */
  send(...parts: readonly Buffer[]): void {
    this.socket.write(framed(...parts));
  }

  /** The answer to a request: its xid, an error code, and the body. */
  answer(xid: number, error = 0, ...parts: readonly Buffer[]): void {
    this.send(int(xid), long(1n), int(error), ...parts);
  }

  #receive(received: Buffer): void {
    this.#received = Buffer.concat([this.#received, received]);
    while (this.#received.length >= 4) {
      const size = this.#received.readInt32BE(0);
      if (this.#received.length < size + 4) return;
      const frame = this.#received.subarray(4, size + 4);
      this.#received = this.#received.subarray(size + 4);
      const waiting = this.#waiting.shift();
      if (waiting) waiting(frame);
      else this.#frames.push(frame);
    }
  }
}

export type Script = (connection: ScriptedConnection) => void | Promise<void>;

/** For use within a test, at whose end it is stopped. */
export async function startScriptedServer(
  script: Script,
): Promise<{ readonly port: number; readonly connections: readonly ScriptedConnection[] }> {
  const connections: ScriptedConnection[] = [];
  const server: Server = createServer((socket) => {
    const connection = new ScriptedConnection(socket, connections.length + 1);
    connections.push(connection);
    void script(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const { socket } of connections) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections };
}

export function framed(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([int(body.length), body]);
}

export function int(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

export function long(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(value);
  return buffer;
}

/** A length and the bytes: jute's buffer and ustring. */
export function bytes(value: Buffer): Buffer {
  return Buffer.concat([int(value.length), value]);
}

/** A Stat of zeros. */
export const STAT = Buffer.alloc(68);
