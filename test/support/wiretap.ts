/**
 * A relay between a client and a ZooKeeper server that records the operation of each frame, and can
 * hold back the server's answers. (Headers: zookeeper.jute of ZooKeeper's sources.)
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

const OPERATIONS: Readonly<Record<number, string>> = {
  1: 'create',
  2: 'delete',
  3: 'exists',
  4: 'getData',
  5: 'setData',
  11: 'ping',
  12: 'getChildren2',
  14: 'multi',
  [-11]: 'closeSession',
};
const XID_NOTIFICATION = -1;
const XID_PING = -2;

export interface Message {
  readonly by: 'client' | 'server';
  /** An operation, or 'handshake'; from the server also 'notification'. */
  readonly operation: string;
}

export class Wiretap {
  readonly messages: Message[] = [];
  /** Holds back the answer to `answer`, and all later ones, until the client has sent `until`. */
  held: { readonly answer: string; readonly until: string | null } | null = null;
  readonly #server = createServer((client) => this.#relay(client));
  readonly #sockets = new Set<Socket>();
  readonly #target: { readonly host: string; readonly port: number };

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** The operations in order, without pings. */
  sentBy(sender: Message['by']): string[] {
    return this.messages
      .filter(({ by, operation }) => by === sender && operation !== 'ping')
      .map(({ operation }) => operation);
  }

  #isHeld(operation: string): boolean {
    if (this.held?.answer !== operation) return false;
    return this.held.until === null || !this.sentBy('client').includes(this.held.until);
  }

  #relay(client: Socket): void {
    const server = connect(this.#target);
    const asked = new Map<number, string>();
    let isShaken = false;
    const answers: { readonly operation: string; readonly frame: Buffer }[] = [];
    const flush = () => {
      for (let next = answers[0]; next && !this.#isHeld(next.operation); next = answers[0]) {
        answers.shift();
        this.messages.push({ by: 'server', operation: next.operation });
        client.write(next.frame);
      }
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.setNoDelay();
    }
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    let isFirst = true;
    onFrames(client, (frame) => {
      const operation = isFirst ? 'handshake' : (OPERATIONS[frame.readInt32BE(8)] ?? 'another');
      if (!isFirst) asked.set(frame.readInt32BE(4), operation);
      isFirst = false;
      this.messages.push({ by: 'client', operation });
      server.write(frame);
      flush();
    });
    onFrames(server, (frame) => {
      const xid = frame.readInt32BE(4);
      const answered = xid === XID_PING ? 'ping' : (asked.get(xid) ?? 'another');
      const operation = isShaken
        ? xid === XID_NOTIFICATION
          ? 'notification'
          : answered
        : 'handshake';
      isShaken = true;
      answers.push({ operation, frame });
      flush();
    });
  }
}

/** Calls back with each complete frame, including its length prefix. */
function onFrames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let received = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
      const size = 4 + received.readInt32BE(0);
      onFrame(received.subarray(0, size));
      received = received.subarray(size);
    }
  });
}
