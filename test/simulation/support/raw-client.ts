/**
 * A client that sends the frames of a test and returns the answers, without any logic of its own.
 * It works on simulated sockets and on real ones.
 */
import type { ServerSocket } from '../../../src/platform/tcp.ts';
import { NO_SESSION, Op, type SessionId, Xid } from '../ensemble/wire/codes.ts';
import { FrameSplitter, JuteInput, JuteOutput } from '../ensemble/wire/jute.ts';

export interface SessionCredentials {
  readonly id: SessionId;
  readonly password: Buffer;
}

export interface HandshakeAnswer extends SessionCredentials {
  /** 0: the session is over. */
  readonly timeoutMs: number;
}

export interface Reply {
  readonly xid: number;
  readonly zxid: number;
  readonly err: number;
  /** Behind the header. */
  readonly body: Buffer;
}

export interface WatchEvent {
  readonly type: number;
  readonly path: string;
}

/** One thing that the client received, in the order of arrival. */
export type Arrival =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'event'; readonly event: WatchEvent }
  | { readonly kind: 'closed' };

const NEW: SessionCredentials = { id: NO_SESSION, password: Buffer.alloc(16) };

export class RawClient {
  /** Everything that arrived after the handshake. */
  readonly arrivals: Arrival[] = [];
  readonly #socket: ServerSocket;
  readonly #splitter = new FrameSplitter();
  readonly #output = new JuteOutput();
  readonly #waiting: { readonly xid: number; readonly resolve: (reply: Reply | null) => void }[] =
    [];
  #onHandshake: ((answer: HandshakeAnswer | null) => void) | null = null;
  #onConnected: (() => void) | null = null;
  #state: 'connecting' | 'connected' | 'closed' = 'connecting';
  readonly #onClosed: (() => void)[] = [];

  constructor(socket: ServerSocket) {
    this.#socket = socket;
    socket.on('connect', () => {
      this.#state = 'connected';
      this.#onConnected?.();
    });
    socket.on('data', (bytes) => this.#splitter.push(bytes, (frame) => this.#receive(frame)));
    socket.on('error', () => {});
    socket.on('close', () => this.#closed());
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  get events(): WatchEvent[] {
    return this.arrivals.flatMap((each) => (each.kind === 'event' ? [each.event] : []));
  }

  /** null where the connection ends before it is answered. */
  handshake(
    timeoutMs: number,
    session: SessionCredentials = NEW,
    lastZxidSeen = 0,
  ): Promise<HandshakeAnswer | null> {
    return new Promise((resolve) => {
      this.#onHandshake = resolve;
      const send = () => {
        const output = this.#output.begin().int(0).long(lastZxidSeen).int(timeoutMs);
        this.#socket.write(output.sessionId(session.id).buffer(session.password).finish());
      };
      if (this.#state === 'closed') resolve(null);
      else if (this.#state === 'connected') send();
      else this.#onConnected = send;
    });
  }

  /** null where the connection ends before it is answered. */
  ask(xid: number, op: number, body: Buffer = Buffer.alloc(0)): Promise<Reply | null> {
    return new Promise((resolve) => {
      if (this.#state === 'closed') return resolve(null);
      this.#waiting.push({ xid, resolve });
      const header = Buffer.alloc(12);
      header.writeInt32BE(8 + body.length, 0);
      header.writeInt32BE(xid, 4);
      header.writeInt32BE(op, 8);
      this.#socket.write(Buffer.concat([header, body]));
    });
  }

  ping(): Promise<Reply | null> {
    return this.ask(Xid.ping, Op.ping);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Resolves when the other side has closed the connection, or this one has. */
  closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isClosed) resolve();
      else this.#onClosed.push(resolve);
    });
  }

  #receive(frame: Buffer): void {
    const input = new JuteInput(frame);
    const onHandshake = this.#onHandshake;
    if (onHandshake !== null) {
      this.#onHandshake = null;
      input.int();
      const timeoutMs = input.int();
      const id = input.sessionId();
      const password = Buffer.from(input.buffer() ?? Buffer.alloc(0));
      return onHandshake({ timeoutMs, id, password });
    }
    const [xid, zxid, err] = [input.int(), input.long(), input.int()];
    if (xid === Xid.notification) {
      const type = input.int();
      input.int();
      this.arrivals.push({ kind: 'event', event: { type, path: input.text() } });
      return;
    }
    const reply = { xid, zxid, err, body: Buffer.from(input.rest()) };
    this.arrivals.push({ kind: 'reply', reply });
    const at = this.#waiting.findIndex((each) => each.xid === xid);
    if (at >= 0) this.#waiting.splice(at, 1)[0]?.resolve(reply);
  }

  #closed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.arrivals.push({ kind: 'closed' });
    this.#onHandshake?.(null);
    for (const { resolve } of this.#waiting.splice(0)) resolve(null);
    for (const resolve of this.#onClosed.splice(0)) resolve();
  }
}
