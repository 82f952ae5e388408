/** What lockex says of its session to those who outlive it. */
import { expect, it, onTestFinished } from 'vitest';
import type { ZookeeperEvent } from '../../../machines/contract.ts';
import { ZookeeperActor } from '../../../src/actors/zookeeper.ts';
import { defaults } from '../../../src/index.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { decodeOrphanedSession } from '../../../src/zookeeper/reap.ts';
import { freshChroot, sharedServer } from '../../support/zookeeper.ts';

it('the reaper is told the session timeout that was granted, not what was asked for', async () => {
  const { host, port } = sharedServer();
  const remains: string[] = [];
  const settings = {
    ...defaults,
    hosts: [{ host, port }],
    chroot: freshChroot(),
    timeoutMs: 600_000,
    lockId: 'x',
    command: { kind: 'shell', line: 'true' },
  } as const;
  const contention = new ZookeeperActor(settings, {
    clock: systemClock,
    log: () => {},
    onSessionToClose: (line) => remains.push(line),
  });
  onTestFinished(() => contention.dispose());
  const established = new Promise<ZookeeperEvent>((resolve) => contention.listen(resolve));
  contention.send({ type: 'session.connect' });
  const event = await established;
  const granted = event.type === 'session.established' ? event.session.timeoutMs : 0;
  expect(granted).toBeLessThan(settings.timeoutMs);
  expect(remains.map((line) => decodeOrphanedSession(line).timeoutMs)).toEqual([granted]);
  const closed = new Promise<ZookeeperEvent>((resolve) => contention.listen(resolve));
  contention.send({ type: 'session.close' });
  expect(await closed).toEqual({ type: 'session.closed', clean: true });
});
