/**
 * Makes sure of a change that may be asked for again without harm, over whatever server answers, for
 * as long as the caller allows.
 */
import type { Clock } from '../util/clock.ts';
import type { ErrorPhase } from './error-policy.ts';
import { isRequestError } from './errors.ts';
import { Retries } from './retries.ts';
import type { Session } from './session/session.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly phase: ErrorPhase;
  /** How long to go on from now; milliseconds. Asked before each try: 0 ends it. */
  readonly boundMs: () => number;
}

/** `reason`: why it is not known to be made, or why the server refused it. */
export type Retried =
  | { readonly isMade: true }
  | { readonly isMade: false; readonly reason: string };

/** How long the first answer is waited for before another server is asked; doubled each time. */
const ANSWER_MS = 1000;
/** Of the session timeout: no answer is waited for longer. */
const MAX_ANSWER_RATIO = 1 / 3;

/** Rejects as `change` does, but not with a RequestError. */
export async function retry(
  session: Session,
  change: () => Promise<void>,
  { clock, phase, boundMs }: RetryOptions,
): Promise<Retried> {
  const sessionTimeoutMs = () => session.info?.timeoutMs ?? 0;
  const retries = new Retries({ clock, sessionTimeoutMs });
  let reason = 'no server could be reached in time';
  for (let tries = 0; boundMs() > 0; tries += 1) {
    if (!(await session.whenAttached(boundMs()))) break;
    const answerMs = Math.min(ANSWER_MS * 2 ** tries, sessionTimeoutMs() * MAX_ANSWER_RATIO);
    // Dropping the connection makes the request fail.
    const timer = clock.setTimeout(
      () => session.reattach('a change was not answered in time'),
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
