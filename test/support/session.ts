/** A session of our own client, for a test that looks at nodes or meddles with them. */
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Host } from '../../src/zookeeper/hosts-in-turn.ts';
import { Session } from '../../src/zookeeper/session.ts';

/** For use within a test, which closes it. */
export async function openSession(server: Host, chroot = ''): Promise<Session> {
  const log = () => {};
  const session = new Session({
    hosts: [server],
    chroot,
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
