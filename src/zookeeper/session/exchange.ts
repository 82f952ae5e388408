/**
 * Sends a request on an attachment and settles its promise: with the answer and its order among the
 * session's requests and answers, with the server's error, or with TIMEOUT.
 */
import type { Request } from 'node-zookeeper-client/lib/jute/index.js';
import type { Clock } from '../../util/clock.ts';
import type { Attachment, Confirmation } from '../client.ts';
import { ERROR_CLASSES } from '../error-policy.ts';
import { isRequestError, type RequestError, requestError } from '../errors.ts';
import type { Connection } from './connection.ts';
import type { AnswerBody, AnswerHeader } from './decode.ts';
import type { Watch } from './watches.ts';

/** `sentAt`: read right before the request was written; `answeredAt`: when its answer was read. */
export interface Answer extends Confirmation {
  readonly header: AnswerHeader;
  readonly body: AnswerBody;
}

export interface ExchangeOptions {
  readonly clock: Clock;
  /** Time at which the session last received data from a server. */
  readonly heardAt: () => number;
  readonly onSent: (at: number) => void;
  /** True while this is the session's connection, and attached. */
  readonly isPresent: (connection: Connection) => boolean;
  /** The same error, with the path in its message. */
  readonly withPath: (error: RequestError, path: string) => RequestError;
}

export interface Question {
  readonly request: Request;
  /** For error messages. */
  readonly path: string;
  readonly watch?: Watch | undefined;
  /** Maximum wait for the answer; milliseconds. */
  readonly deadlineMs: number;
}

export class Exchange {
  readonly #options: ExchangeOptions;
  /** Requests written and answers read so far: see Confirmation. */
  #events = 0;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** Rejects with RequestError. */
  ask(
    { connection, attachment }: { connection: Connection; attachment: Attachment },
    { request, path, watch, deadlineMs }: Question,
  ): Promise<Answer> {
    const { clock, heardAt, onSent, withPath } = this.#options;
    return new Promise<Answer>((resolve, reject) => {
      const timer = clock.setTimeout(() => reject(requestError('TIMEOUT', path)), deadlineMs);
      const sentAt = clock.now();
      onSent(sentAt);
      const sent = this.#nextEvent();
      connection.queue(request, (error, response) => {
        clock.clearTimeout(timer);
        const body = response?.body ?? null;
        if (error !== null || response === undefined || body === null) {
          endIfOver(connection, error);
          reject(isRequestError(error) ? withPath(error, path) : error);
          return;
        }
        // Before the next frame is read, which may be the watch's event.
        if (watch) this.#register(connection, path, watch);
        const order = { sent, answered: this.#nextEvent() };
        const { header } = response;
        const times = { sentAt, answeredAt: heardAt() };
        resolve({ header, body, attachment: attachment.number, ...times, order });
      });
    });
  }

  #nextEvent(): number {
    this.#events += 1;
    return this.#events;
  }

  #register(connection: Connection, path: string, { kind, onChange }: Watch): void {
    connection.watches.add(kind, path, (change) => {
      // Not in the socket's handler, which treats an exception as a protocol error.
      queueMicrotask(() => {
        if (this.#options.isPresent(connection)) onChange(change);
      });
    });
  }
}

/**
 * A server may report in its answer that the session or the connection is over. Then the error
 * policy relies on the end of the connection. Does nothing if it has already ended.
 */
function endIfOver(connection: Connection, error: Error | null): void {
  if (!isRequestError(error) || ERROR_CLASSES[error.code] !== 'disconnected') return;
  if (error.code === 'SESSION_EXPIRED') {
    connection.end('the server reports that the session has expired', 'expired');
  } else if (error.code === 'AUTH_REQUIRED') {
    // It closes the connection, and would again.
    connection.end('the server requires authentication', 'expired');
  } else {
    connection.end(`the server reports: ${error.message}`);
  }
}
