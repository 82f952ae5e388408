/**
 * Lets go of a lock: tries for a few seconds, for which a user is kept waiting, over whatever server
 * answers. After that the lock goes with the session.
 */
import type { Clock } from '../clock.ts';
import { isRequestError } from './errors.ts';
import type { Queueing } from './queueing.ts';
import type { Session } from './session.ts';

const BOUND_MS = 3000;
/** For one answer, before the next server is asked. */
const ANSWER_MS = 1000;

/** True when no node of ours is left, by a server's word. */
export async function release(
  session: Session,
  queueing: Queueing,
  clock: Clock,
): Promise<boolean> {
  const until = clock.now() + BOUND_MS;
  while (await session.whenAttached(until - clock.now())) {
    const outcome = await tryOnce(session, queueing, clock);
    if (outcome !== 'again') return outcome === 'released';
  }
  return false;
}

async function tryOnce(
  session: Session,
  queueing: Queueing,
  clock: Clock,
): Promise<'released' | 'again' | 'refused'> {
  // Dropping the connection makes the request fail.
  const timer = clock.setTimeout(() => session.reattach('the release is not answered'), ANSWER_MS);
  try {
    await queueing.withdraw();
    return 'released';
  } catch (error) {
    if (!isRequestError(error)) throw error;
    if (error.code === 'TIMEOUT') session.reattach(error.message);
    return error.isConnectionTrouble ? 'again' : 'refused';
  } finally {
    clock.clearTimeout(timer);
  }
}
