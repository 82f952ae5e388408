/**
 * Closes the session of a lockex that died, so that the next contender need not wait for the
 * session timeout. Run by the guard, only after all processes of the command are dead.
 *
 * Its input is one line of text with the session's id and password, passed through pipes only.
 */
import type { Access } from '../settings/access.ts';
import type { Clock } from '../util/clock.ts';
import { isRequestError, UnreachableError } from './errors.ts';
import { Session } from './session/session.ts';

export interface OrphanedSession {
  readonly access: Access;
  /** The granted session timeout, after which the session is over anyway; milliseconds. */
  readonly timeoutMs: number;
  readonly credentials: { readonly id: Buffer; readonly password: Buffer };
}

export function encodeOrphanedSession({ access, timeoutMs, credentials }: OrphanedSession): string {
  const { id, password } = credentials;
  const fields = { access, timeoutMs, id: id.toString('hex'), password: password.toString('hex') };
  return Buffer.from(JSON.stringify(fields)).toString('base64');
}

/** @throws Error for text that `encodeOrphanedSession` did not make */
export function decodeOrphanedSession(line: string): OrphanedSession {
  const fields = JSON.parse(Buffer.from(line, 'base64').toString()) as {
    access: Access;
    timeoutMs: number;
    id: string;
    password: string;
  };
  const id = Buffer.from(fields.id, 'hex');
  // An id of zeros would create a new session.
  if (id.length !== 8 || id.every((byte) => byte === 0)) throw new Error('no session');
  const password = Buffer.from(fields.password, 'hex');
  return { access: fields.access, timeoutMs: fields.timeoutMs, credentials: { id, password } };
}

/** True when the session is over; false when no server could be reached within its timeout. */
export async function reap(orphan: OrphanedSession, clock: Clock): Promise<boolean> {
  const { access, timeoutMs, credentials } = orphan;
  const session = new Session({
    ...access,
    timeoutMs,
    clock,
    log: () => {},
    resume: credentials,
  });
  let expired = false;
  session.once('expired', () => {
    expired = true;
  });
  try {
    await session.connect(timeoutMs);
    return await session.close(timeoutMs);
  } catch (error) {
    if (!(error instanceof UnreachableError) && !isRequestError(error)) throw error;
    return expired;
  }
}
