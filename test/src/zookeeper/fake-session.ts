/**
 * A session on a simulated clock, which does as a test says: attached after 10 ms, answers after 2
 * ms; or accepts connections and answers nothing; or answers with errors. An error that ends the
 * connection at a real server ends it here.
 */
import { EventEmitter } from 'node:events';
import type { Attachment } from '../../../src/zookeeper/client.ts';
import { ERROR_CLASSES } from '../../../src/zookeeper/error-policy.ts';
import { RequestError, requestError } from '../../../src/zookeeper/errors.ts';
import type { SimulatedClock } from '../../support/simulated-clock.ts';

export const NODE = '/lock/node';
const ATTACH_MS = 10;
const LATENCY_MS = 2;

export type Fault = {
  /** Code of the error. */
  readonly number: number;
  /** How many more requests are answered with it. */
  left: number;
  /** False: a server answers so by itself, without the leader. Default true. */
  readonly isCommitted?: boolean;
};

export class FakeSession extends EventEmitter {
  readonly #clock: SimulatedClock;
  readonly #timeoutMs: number;
  readonly id: bigint;
  attached: Attachment | null = null;
  readonly hasEnded = false;
  isAnswering = true;
  fault: Fault | null = null;
  /** `ephemeralOwner` of our node. */
  owner: bigint;
  /** Requests that were answered with an error. */
  failed = 0;
  readonly reattachments: string[] = [];
  #onChange = () => {};
  #events = 0;
  #attachments = 0;
  #isOver = false;

  constructor(clock: SimulatedClock, timeoutMs: number, id = 1n) {
    super();
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.id = id;
    this.owner = id;
  }

  get isAttached() {
    return this.attached !== null;
  }

  get info() {
    return { server: 'server', timeoutMs: this.#timeoutMs };
  }

  async connect() {
    await this.#pause(ATTACH_MS);
    this.#attach();
  }

  reattach(reason: string) {
    this.reattachments.push(reason);
    this.drop(reason);
  }

  /** The connection ends, and another is made soon. */
  drop(reason: string) {
    if (this.attached === null) return;
    this.attached = null;
    this.emit('detached', { reason });
    this.#clock.setTimeout(() => this.#attach(), ATTACH_MS);
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

  async close(boundMs: number) {
    if (!this.isAnswering) await this.#pause(boundMs);
    this.#isOver = true;
    return this.isAnswering;
  }

  abandon() {
    this.#isOver = true;
  }

  check() {
    const sent = this.#nextEvent();
    const sentAt = this.#clock.now();
    const attachment = this.#attachments;
    return this.ask(() => ({
      attachment,
      sentAt,
      answeredAt: this.#clock.now(),
      order: { sent, answered: this.#nextEvent() },
    }));
  }

  /** The watch on our node reports a change. */
  changeNode() {
    this.#onChange();
  }

  exists(_path: string, onChange: () => void) {
    this.#onChange = onChange;
    return this.ask(() => ({ czxid: 7n, ephemeralOwner: this.owner }));
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

  /** Any request. */
  ask<V>(answer: () => V): Promise<V> {
    const { isAnswering } = this;
    const on = this.attached;
    return new Promise((resolve, reject) => {
      const fail = (code: 'CONNECTION_LOSS' | 'TIMEOUT') => reject(requestError(code, NODE));
      if (on === null) return fail('CONNECTION_LOSS');
      const timeoutMs = (this.#timeoutMs * 2) / 3;
      if (!isAnswering) return void this.#clock.setTimeout(() => fail('TIMEOUT'), timeoutMs);
      this.#clock.setTimeout(() => {
        if (this.attached !== on) return fail('CONNECTION_LOSS');
        if (this.fault === null || this.fault.left <= 0) return resolve(answer());
        const { number, isCommitted = true } = this.fault;
        this.fault.left -= 1;
        this.failed += 1;
        const error = new RequestError(number, NODE, '', isCommitted);
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

  #nextEvent() {
    this.#events += 1;
    return this.#events;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimeout(resolve, ms));
  }
}
