/**
 * Makes sure of a change that may be asked for again without harm: for a few seconds, for which a
 * user is kept waiting, over whatever server answers.
 */
import type { Clock } from '../clock.ts';
import { isRequestError } from './errors.ts';
import type { Session } from './session.ts';

const BOUND_MS = 3000;
/** For one answer, before the next server is asked. */
const ANSWER_MS = 1000;

/** True when it was made, by a server's word; false when that is not known, or it was refused. */
export async function insist(
  session: Session,
  clock: Clock,
  change: () => Promise<void>,
): Promise<boolean> {
  const until = clock.now() + BOUND_MS;
  while (await session.whenAttached(until - clock.now())) {
    const outcome = await tryOnce(session, clock, change);
    if (outcome !== 'again') return outcome === 'made';
  }
  return false;
}

async function tryOnce(
  session: Session,
  clock: Clock,
  change: () => Promise<void>,
): Promise<'made' | 'again' | 'refused'> {
  // Dropping the connection makes the request fail.
  const timer = clock.setTimeout(() => session.reattach('a change is not answered'), ANSWER_MS);
  try {
    await change();
    return 'made';
  } catch (error) {
    if (!isRequestError(error)) throw error;
    if (error.code === 'TIMEOUT') session.reattach(error.message);
    return error.isConnectionTrouble ? 'again' : 'refused';
  } finally {
    clock.clearTimeout(timer);
  }
}
