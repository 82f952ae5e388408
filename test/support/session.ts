/** A session of lockex's own client, for tests that read or change nodes. */
import { onTestFinished } from 'vitest';
import { type Access, type Host, openAccess } from '../../src/settings/access.ts';
import { systemClock } from '../../src/util/clock.ts';
import { Session } from '../../src/zookeeper/session/session.ts';

/** For use within a test, at whose end it is closed. */
export async function openSession(
  server: Host,
  chroot = '',
  access: Partial<Access> = {},
): Promise<Session> {
  const log = () => {};
  const session = new Session({
    ...openAccess([server], chroot),
    ...access,
    timeoutMs: 10_000,
    clock: systemClock,
    log,
  });
  await session.connect(20_000);
  onTestFinished(async () => {
    await session.close(10_000);
  });
  return session;
}
