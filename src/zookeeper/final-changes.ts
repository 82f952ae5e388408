/**
 * The two changes that end a hold: recording that the command succeeded, and releasing the lock.
 * Each is retried until it is confirmed or out of time.
 */
import type { Clock } from '../util/clock.ts';
import type { RecipeRunner } from './recipes/recipe-runner.ts';
import { type RunRecordOptions, recordRun } from './recipes/run-record.ts';
import { type RetryResult, retry } from './retry.ts';
import type { Session } from './session/session.ts';

/** Time limit for closing the session; milliseconds. */
export const CLOSE_MS = 2000;
/** Time limit for the release, for which a user waits; milliseconds. */
const RELEASE_MS = 3000;

/** `random`: see RetryOptions. */
interface ChangeOptions {
  readonly clock: Clock;
  readonly random?: (() => number) | undefined;
}

export interface Release {
  readonly confirmed: boolean;
  readonly message: string;
}

/** `leftMs`: time for which the lock is certainly still held; 0 if it is not. */
export function recordSuccess(
  session: Session,
  runRecord: RunRecordOptions,
  { leftMs, ...timing }: ChangeOptions & { readonly leftMs: () => number },
): Promise<RetryResult> {
  const options = { ...timing, phase: 'recording', boundMs: leftMs } as const;
  return retry(session, () => recordRun(session, runRecord), options);
}

/** Deletes our nodes, and immediately requests the end of the session. */
export async function releaseLock(
  session: Session,
  queue: RecipeRunner,
  timing: ChangeOptions,
): Promise<Release> {
  // Both answers are awaited together. The order matters: the deletion notifies the next contender.
  const withdraw = () => queue.withdraw(() => session.askForEnd(CLOSE_MS));
  const { clock } = timing;
  const until = clock.now() + RELEASE_MS;
  const options = { ...timing, phase: 'releasing', boundMs: () => until - clock.now() } as const;
  const { isMade } = await retry(session, withdraw, options);
  const confirmed = isMade || session.hasEnded;
  const message = confirmed
    ? 'released'
    : 'could not confirm the release: the lock is released when the session ends';
  return { confirmed, message };
}
