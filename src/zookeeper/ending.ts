/**
 * The changes that end a hold: writing down that the command succeeded, and giving the lock back. Each
 * is asked for until it is confirmed or can't be any more.
 */
import type { Clock } from '../util/clock.ts';
import type { RecipeRunner } from './recipes/recipe-runner.ts';
import { type RunRecordOptions, recordRun } from './recipes/run-record.ts';
import { type Retried, retry } from './retry.ts';
import type { Session } from './session/session.ts';

/** For the server's answer to the end of the session; milliseconds. */
export const CLOSE_MS = 2000;
/** A user is kept waiting for it. */
const RELEASE_MS = 3000;

export interface Release {
  readonly confirmed: boolean;
  readonly message: string;
}

/** `leftMs`: how long the lock is held for certain; 0 when it is not any more. */
export function recordSuccess(
  session: Session,
  runRecord: RunRecordOptions,
  { clock, leftMs }: { readonly clock: Clock; readonly leftMs: () => number },
): Promise<Retried> {
  const options = { clock, phase: 'recording', boundMs: leftMs } as const;
  return retry(session, () => recordRun(session, runRecord), options);
}

export async function releaseLock(
  session: Session,
  queueing: RecipeRunner,
  clock: Clock,
): Promise<Release> {
  // The end of the session is asked for behind the release, and both are waited for together. In this
  // order: the next contender is to hear of our node's end, and not later.
  const withdraw = () => queueing.withdraw(() => session.askForEnd(CLOSE_MS));
  const until = clock.now() + RELEASE_MS;
  const options = { clock, phase: 'releasing', boundMs: () => until - clock.now() } as const;
  const { isMade } = await retry(session, withdraw, options);
  const confirmed = isMade || session.hasEnded;
  const message = confirmed
    ? 'released'
    : 'the release could not be confirmed: the lock is released when the session ends';
  return { confirmed, message };
}
