/**
 * Asks again after errors, as error-policy.ts has it: counts those in a row, pauses between them, and
 * gives up where nothing runs yet.
 */
import type { Clock } from '../util/clock.ts';
import { pauseMs } from './back-off.ts';
import {
  actionOn,
  ERROR_ACTIONS,
  type ErrorAction,
  type ErrorPhase,
  MAX_SUSPECT_ANSWERS,
} from './error-policy.ts';
import type { RequestError } from './errors.ts';

export interface RetriesOptions {
  readonly clock: Clock;
  /** As granted; milliseconds. */
  readonly sessionTimeoutMs: () => number;
}

export class Retries {
  readonly #options: RetriesOptions;
  #errors = 0;
  #timer: unknown;

  constructor(options: RetriesOptions) {
    this.#options = options;
  }

  /** One more error in a row. Before the command runs, the same again and again is a refusal. */
  next(error: RequestError, phase: ErrorPhase): ErrorAction {
    this.#errors += 1;
    const action = actionOn(error, phase);
    const isEnough = this.#errors > MAX_SUSPECT_ANSWERS && error.code !== 'TIMEOUT';
    const mayRefuse = ['refuse', 'answered'].includes(ERROR_ACTIONS[phase].denied);
    return action === 'reattach' && isEnough && mayRefuse ? 'refuse' : action;
  }

  /** Runs `then` after a pause, in place of what was to run before. */
  afterPause(then: () => void): void {
    const { clock, sessionTimeoutMs } = this.#options;
    this.cancel();
    this.#timer = clock.setTimeout(then, pauseMs(this.#errors - 1, sessionTimeoutMs()));
  }

  /** The same; but at once after the first error: another connection is needed soon. */
  soon(then: () => void): void {
    if (this.#errors > 1) return this.afterPause(then);
    this.cancel();
    then();
  }

  /** An answer came that was no error. */
  reset(): void {
    this.#errors = 0;
  }

  cancel(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }
}
