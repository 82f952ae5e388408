/**
 * Keeps an attached session alive while it is idle: sends a ping after T/3 without a request, and
 * reports silence after 2/3 T without anything from the server.
 */
import type { Clock } from '../../util/clock.ts';

export interface KeepAliveOptions {
  readonly clock: Clock;
  /** The session timeout T; milliseconds. */
  readonly timeoutMs: () => number;
  /** Time at which data last arrived from the server. */
  readonly heardAt: () => number;
  readonly ping: () => void;
  readonly onSilence: (silenceMs: number) => void;
}

export class KeepAlive {
  readonly #options: KeepAliveOptions;
  #sentAt = 0;
  #timer: unknown;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
  }

  /** The session is attached. */
  start(): void {
    this.#sentAt = this.#options.clock.now();
    this.#schedule();
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** A request was sent: no ping is needed for a while. */
  sent(at: number): void {
    this.#sentAt = at;
  }

  #schedule(): void {
    const { clock, heardAt, timeoutMs } = this.#options;
    clock.clearTimeout(this.#timer);
    const third = timeoutMs() / 3;
    const due = Math.min(this.#sentAt + third, heardAt() + 2 * third);
    this.#timer = clock.setTimeout(() => this.#check(), Math.max(due - clock.now(), 1));
  }

  #check(): void {
    const { clock, heardAt, timeoutMs, ping, onSilence } = this.#options;
    const now = clock.now();
    const third = timeoutMs() / 3;
    const silenceMs = now - heardAt();
    if (silenceMs >= 2 * third) return onSilence(silenceMs);
    if (now - this.#sentAt >= third) {
      this.#sentAt = now;
      ping();
    }
    this.#schedule();
  }
}
