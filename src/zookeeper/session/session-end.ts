/** The request to end a session, CLOSE_SESSION, repeated until a server confirms it. */
import type { Clock } from '../../util/clock.ts';
import { pauseMs, sleep } from '../back-off.ts';
import { randomFraction } from '../defaults.ts';
import { actionOn } from '../error-policy.ts';
import { isRequestError } from '../errors.ts';

export interface SessionEndOptions {
  readonly clock: Clock;
  readonly random?: (() => number) | undefined;
  readonly sessionTimeoutMs: () => number;
  /** Sends CLOSE_SESSION; waits for the answer for at most `deadlineMs`. */
  readonly request: (deadlineMs: number) => Promise<unknown>;
  readonly reattach: (reason: string) => void;
  /** A server confirmed the end. */
  readonly onConfirmed: () => void;
}

export class SessionEnd {
  readonly #options: SessionEndOptions;
  #needsRepeat: Promise<boolean> | null = null;
  #isConfirmed = false;

  constructor(options: SessionEndOptions) {
    this.#options = options;
  }

  get isRequested(): boolean {
    return this.#needsRepeat !== null;
  }

  get isConfirmed(): boolean {
    return this.#isConfirmed;
  }

  /**
   * Resolves when the last request has failed (true: repeat it) or was confirmed; null: none was
   * sent.
   */
  get needsRepeat(): Promise<boolean> | null {
    return this.#needsRepeat;
  }

  send(boundMs: number): void {
    this.#needsRepeat = this.#send(boundMs);
  }

  confirm(): void {
    this.#isConfirmed = true;
    this.#options.onConfirmed();
  }

  async #send(boundMs: number): Promise<boolean> {
    const { clock, random = randomFraction, request, reattach, sessionTimeoutMs } = this.#options;
    try {
      await request(boundMs);
      this.confirm();
      return false;
    } catch (error) {
      if (!isRequestError(error)) throw error;
      // A clock that is a little behind the timer's would repeat a request that is being answered.
      if (error.code === 'TIMEOUT') return false;
      const action = actionOn(error, 'closing');
      if (action === 'reattach') reattach(error.message);
      if (action === 'retry') await sleep(clock, pauseMs(1, sessionTimeoutMs(), random()));
      return action !== 'giveUp';
    }
  }
}
