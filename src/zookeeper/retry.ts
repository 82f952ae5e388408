/**
 * Retries after errors of a server, by error-policy.ts: `Retries` counts the errors in a row and
 * pauses between attempts; `retry` repeats a change until it is confirmed.
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
import { isRequestError, type RequestError } from './errors.ts';
import type { Session } from './session/session.ts';

export interface RetriesOptions {
  readonly clock: Clock;
  /** The granted session timeout; milliseconds. */
  readonly sessionTimeoutMs: () => number;
  readonly random?: (() => number) | undefined;
}

/** Counts the errors in a row of one kind of request, and pauses before it is sent again. */
export class Retries {
  readonly #options: RetriesOptions;
  #errors = 0;
  #timer: unknown;

  constructor(options: RetriesOptions) {
    this.#options = options;
  }

  /** Counts an error. Before the command runs, too many suspect answers in a row are a refusal. */
  next(error: RequestError, phase: ErrorPhase): ErrorAction {
    this.#errors += 1;
    const action = actionOn(error, phase);
    const isTooMany = this.#errors > MAX_SUSPECT_ANSWERS && error.code !== 'TIMEOUT';
    const mayRefuse = ['refuse', 'answered'].includes(ERROR_ACTIONS[phase].denied);
    return action === 'reattach' && isTooMany && mayRefuse ? 'refuse' : action;
  }

  /** Runs `then` after a pause; replaces a pending one. */
  afterPause(then: () => void): void {
    const { clock, sessionTimeoutMs, random } = this.#options;
    this.cancel();
    const pause = pauseMs(this.#errors - 1, sessionTimeoutMs(), random?.());
    this.#timer = clock.setTimeout(then, pause);
  }

  /** Runs `then` at once after the first error, else after a pause. */
  soon(then: () => void): void {
    if (this.#errors > 1) return this.afterPause(then);
    this.cancel();
    then();
  }

  /** An answer without an error arrived. */
  reset(): void {
    this.#errors = 0;
  }

  cancel(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }
}

export interface RetryOptions {
  readonly clock: Clock;
  readonly phase: ErrorPhase;
  /** Milliseconds left from now; read before each attempt: 0 ends the retries. */
  readonly boundMs: () => number;
  readonly random?: (() => number) | undefined;
}

/** `reason`: why the change is unconfirmed, or why the server refused it. */
export type RetryResult =
  | { readonly isMade: true }
  | { readonly isMade: false; readonly reason: string };

/**
 * Maximum wait for the answer of the first attempt before another server is tried; then doubled.
 */
const ANSWER_MS = 1000;
/** Ratio to the session timeout: maximum wait for an answer. */
const MAX_ANSWER_RATIO = 1 / 3;

/**
 * Repeats an idempotent change, on any server that accepts the session, until it is confirmed,
 * refused, or out of time. Rejects like `change`, except with a RequestError.
 */
export async function retry(
  session: Session,
  change: () => Promise<void>,
  { clock, phase, boundMs, random }: RetryOptions,
): Promise<RetryResult> {
  const sessionTimeoutMs = () => session.info.timeoutMs;
  const retries = new Retries({ clock, sessionTimeoutMs, random });
  let reason = 'no server could be reached in time';
  for (let tries = 0; boundMs() > 0; tries += 1) {
    if (!(await session.whenAttached(boundMs()))) break;
    const answerMs = Math.min(ANSWER_MS * 2 ** tries, sessionTimeoutMs() * MAX_ANSWER_RATIO);
    // Dropping the connection makes the request fail.
    const timer = clock.setTimeout(
      () => session.reattach('request timed out'),
      Math.max(ANSWER_MS, answerMs),
    );
    try {
      await change();
      return { isMade: true };
    } catch (error) {
      if (!isRequestError(error)) throw error;
      reason = error.message;
      const action = retries.next(error, phase);
      if (action === 'done') return { isMade: true };
      if (action === 'giveUp') return { isMade: false, reason };
      if (action === 'reattach') session.reattach(reason);
      if (action !== 'wait') await new Promise<void>((then) => retries.afterPause(then));
    } finally {
      clock.clearTimeout(timer);
    }
  }
  return { isMade: false, reason };
}
