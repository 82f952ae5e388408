/**
 * A session whose answers are errors for as long as a test says so, on a simulated clock: attached
 * after 10 ms, answers after 2 ms. Errors that end the connection at a real server end it here.
 */
import { EventEmitter } from 'node:events';
import { ERROR_CLASSES } from '../../../src/zookeeper/error-policy.ts';
import { RequestError, requestError } from '../../../src/zookeeper/errors.ts';
import type { Attachment } from '../../../src/zookeeper/session/session.ts';
import type { SimulatedClock } from '../../support/simulated-clock.ts';

export const NODE = '/lock/node';
const LATENCY_MS = 2;

export type Fault = {
  /** Code of the error. */
  readonly number: number;
  /** How many requests are answered with it yet. */
  left: number;
};

export class FaultySession extends EventEmitter {
  readonly #clock: SimulatedClock;
  readonly #timeoutMs: number;
  readonly id = 1n;
  attached: Attachment | null = null;
  readonly hasEnded = false;
  fault: Fault | null = null;
  /** Requests that were answered with an error. */
  failed = 0;
  reattachments = 0;
  #events = 0;
  #attachments = 0;
  #isOver = false;

  constructor(clock: SimulatedClock, timeoutMs: number) {
    super();
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  get isAttached() {
    return this.attached !== null;
  }

  get info() {
    return { server: 'server', timeoutMs: this.#timeoutMs };
  }

  async connect() {
    await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, 10));
    this.#attach();
  }

  reattach(reason: string) {
    this.reattachments += 1;
    this.drop(reason);
  }

  drop(reason: string) {
    if (this.attached === null) return;
    this.attached = null;
    this.emit('detached', { reason });
    this.#clock.setTimeout(() => this.#attach(), 10);
  }

  async whenAttached(boundMs: number) {
    if (boundMs <= 0) return false;
    if (this.attached !== null) return true;
    return await new Promise<boolean>((resolve) => {
      const timer = this.#clock.setTimeout(() => resolve(false), boundMs);
      this.once('attached', () => {
        this.#clock.clearTimeout(timer);
        resolve(true);
      });
    });
  }

  askForEnd() {}

  async close() {
    this.#isOver = true;
    return true;
  }

  abandon() {
    this.#isOver = true;
  }

  check() {
    const sentAt = this.#clock.now();
    this.#events += 1;
    const sent = this.#events;
    const attachment = this.#attachments;
    return this.ask(() => {
      this.#events += 1;
      return {
        attachment,
        sentAt,
        answeredAt: this.#clock.now(),
        order: { sent, answered: this.#events },
      };
    });
  }

  exists() {
    return this.ask(() => ({ czxid: 7n, ephemeralOwner: this.id }));
  }

  setData() {
    return this.ask(() => ({ mtime: 0 }));
  }

  getData() {
    return this.ask(() => ({ data: undefined, stat: { mtime: 0 } }));
  }

  create() {
    return this.ask(() => ({ path: NODE, czxid: 8n }));
  }

  /** Any request: an error while there is a fault. */
  ask<V>(answer: () => V): Promise<V> {
    const on = this.attached;
    return new Promise((resolve, reject) => {
      if (on === null) return reject(requestError('CONNECTION_LOSS', NODE));
      this.#clock.setTimeout(() => {
        if (this.attached !== on) return reject(requestError('CONNECTION_LOSS', NODE));
        if (this.fault === null || this.fault.left <= 0) return resolve(answer());
        this.fault.left -= 1;
        this.failed += 1;
        const error = new RequestError(this.fault.number, NODE, '', true);
        if (ERROR_CLASSES[error.code] === 'disconnected') this.drop(error.message);
        reject(error);
      }, LATENCY_MS);
    });
  }

  #attach() {
    if (this.#isOver) return;
    const handshakeSentAt = this.#clock.now() - 1;
    this.#attachments += 1;
    const number = this.#attachments;
    this.attached = { server: 'server', number, handshakeSentAt, timeoutMs: this.#timeoutMs };
    this.emit('attached', this.attached);
  }
}
