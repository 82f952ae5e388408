/**
 * Holds requests back while too many are in process on this server (`RequestThrottler`). A request
 * that waited too long is refused with THROTTLEDOP and becomes no transaction.
 */
import type { SimulatedProcess } from '../../kernel/process.ts';
import type { ThrottleOptions } from '../config.ts';
import { Op } from '../wire/codes.ts';
import type { ServerRequest } from './request.ts';

export interface ThrottlerOptions {
  readonly process: SimulatedProcess;
  readonly limits: ThrottleOptions;
  /** Requests of clients of this server that are not answered. */
  readonly inProcess: () => number;
  /** `ZooKeeperServer.submitRequestNow` */
  readonly next: (request: ServerRequest) => void;
}

interface Waiting {
  readonly request: ServerRequest;
  readonly since: number;
}

export class Throttler {
  readonly #options: ThrottlerOptions;
  readonly #waiting: Waiting[] = [];
  #isStalled = false;

  constructor(options: ThrottlerOptions) {
    this.#options = options;
  }

  submit(request: ServerRequest): void {
    const { next, limits, process } = this.#options;
    if (limits.maxRequests === 0) return next(request);
    this.#waiting.push({ request, since: process.simulation.now });
    if (!this.#isStalled) this.#pass();
  }

  #pass(): void {
    const { process, limits, inProcess, next } = this.#options;
    this.#isStalled = false;
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      // Requests of connections that are gone are dropped (`dropStaleRequests`).
      const isStale = head.request.connection?.isOpen === false;
      if (!isStale && inProcess() >= limits.maxRequests) break;
      this.#waiting.shift();
      if (isStale) continue;
      const waitedMs = process.simulation.now - head.since;
      if (limits.maxWaitMs > 0 && waitedMs > limits.maxWaitMs && isThrottlable(head.request)) {
        head.request.isThrottled = true;
      }
      next(head.request);
    }
    if (this.#waiting.length === 0) return;
    this.#isStalled = true;
    process.post(limits.stallMs, () => this.#pass());
  }
}

/** `Request.isThrottlable` */
function isThrottlable({ op }: ServerRequest): boolean {
  return op !== Op.ping && op !== Op.closeSession && op !== Op.createSession;
}
