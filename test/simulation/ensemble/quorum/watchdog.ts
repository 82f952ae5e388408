/**
 * The read timeout of a socket (`Socket.setSoTimeout`): calls once when nothing came for so long.
 */
import type { SimulatedProcess } from '../../kernel/process.ts';

export class Watchdog {
  readonly #process: SimulatedProcess;
  readonly #onSilence: () => void;
  #boundMs: number;
  #heardAt: number;
  #isStopped = false;

  constructor(process: SimulatedProcess, boundMs: number, onSilence: () => void) {
    this.#process = process;
    this.#boundMs = boundMs;
    this.#onSilence = onSilence;
    this.#heardAt = process.simulation.now;
    this.#wait(boundMs);
  }

  heard(): void {
    this.#heardAt = this.#process.simulation.now;
  }

  /** From now on. */
  setBound(boundMs: number): void {
    this.#boundMs = boundMs;
    this.heard();
    this.#wait(boundMs);
  }

  stop(): void {
    this.#isStopped = true;
  }

  #wait(ms: number): void {
    this.#process.post(ms, () => {
      if (this.#isStopped) return;
      const left = this.#heardAt + this.#boundMs - this.#process.simulation.now;
      if (left > 0) return this.#wait(left);
      this.#isStopped = true;
      this.#onSilence();
    });
  }
}
