/** A client's connection at a server (`NIOServerCnxn`, `ServerCnxn`). */
import type { Endpoint } from '../../network/connection.ts';
import { isAllowed } from '../tree/permissions.ts';
import type { Watcher } from '../tree/watches.ts';
import type { VersionTraits } from '../version.ts';
import {
  type AnswerBody,
  type AnswerHeader,
  encodeAnswer,
  encodeConnectAnswer,
  encodeWatchEvent,
  REFUSED_SESSION,
} from '../wire/answers.ts';
import { NO_SESSION, Permission, type SessionId } from '../wire/codes.ts';
import { FrameSplitter } from '../wire/jute.ts';
import type { Acl, Id } from '../wire/requests.ts';

/**
 * `fresh`: nothing was received. `initializing`: the handshake is not answered; nothing is read
 * until then (`disableRecv`).
 */
type Phase = 'fresh' | 'initializing' | 'open' | 'closed';

export interface ConnectionEvents {
  onHandshake(connection: ClientConnection, frame: Buffer): void;
  onRequest(connection: ClientConnection, frame: Buffer): void;
  onClosed(connection: ClientConnection): void;
}

export class ClientConnection implements Watcher {
  readonly ids: Id[];
  session: SessionId = NO_SESSION;
  timeoutMs = 0;
  readonly #endpoint: Endpoint<Buffer>;
  readonly #events: ConnectionEvents;
  readonly #traits: VersionTraits;
  readonly #splitter = new FrameSplitter();
  readonly #unread: Buffer[] = [];
  #phase: Phase = 'fresh';

  constructor(endpoint: Endpoint<Buffer>, traits: VersionTraits, events: ConnectionEvents) {
    this.#endpoint = endpoint;
    this.#events = events;
    this.#traits = traits;
    // `IPAuthenticationProvider`
    this.ids = [{ scheme: 'ip', id: endpoint.remoteHost }];
    endpoint.listen({
      onItem: (bytes) => this.#receive(bytes),
      onClosed: () => this.#closed(),
    });
  }

  get isOpen(): boolean {
    return this.#phase !== 'closed';
  }

  close(): void {
    if (this.#phase === 'closed') return;
    this.#endpoint.close();
    this.#closed();
  }

  answer(header: AnswerHeader, body: AnswerBody | null): void {
    this.#send(encodeAnswer(header, body));
  }

  /** `ZooKeeperServer.finishSessionInit` */
  finishHandshake(password: Buffer | null): void {
    if (password === null) {
      this.#send(encodeConnectAnswer(REFUSED_SESSION));
      return this.close();
    }
    const { timeoutMs, session } = this;
    this.#send(encodeConnectAnswer({ timeoutMs, id: session, password }));
    if (this.#phase !== 'initializing') return;
    this.#phase = 'open';
    for (const frame of this.#unread.splice(0)) this.#onFrame(frame);
  }

  onEvent(type: number, path: string, zxid: number, acl: readonly Acl[]): void {
    const { notificationsHaveZxid, notificationsNeedPermission } = this.#traits;
    if (notificationsNeedPermission && !isAllowed(acl, Permission.read, this.ids)) return;
    this.#send(encodeWatchEvent(type, path, notificationsHaveZxid ? zxid : -1));
  }

  #send(frame: Buffer): void {
    if (this.isOpen) this.#endpoint.send(frame);
  }

  #receive(bytes: Buffer): void {
    try {
      this.#splitter.push(bytes, (frame) => this.#onFrame(frame));
    } catch (error) {
      // Malformed: an IOException closes the connection (`NIOServerCnxn.doIO`).
      if (!(error instanceof RangeError)) throw error;
      this.close();
    }
  }

  #onFrame(frame: Buffer): void {
    switch (this.#phase) {
      case 'fresh':
        this.#phase = 'initializing';
        return this.#events.onHandshake(this, frame);
      case 'initializing':
        this.#unread.push(Buffer.from(frame));
        return;
      case 'open':
        return this.#events.onRequest(this, frame);
      case 'closed':
        return;
    }
  }

  #closed(): void {
    this.#phase = 'closed';
    this.#events.onClosed(this);
  }
}
