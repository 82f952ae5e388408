/** The line for the reaper, which outlives lockex. */
import { expect, it, onTestFinished } from 'vitest';
import type { ZookeeperEvent } from '../../../machines/contract.ts';
import { ZookeeperActor } from '../../../src/actors/zookeeper.ts';
import { defaults } from '../../../src/index.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { decodeOrphanedSession } from '../../../src/zookeeper/reap.ts';
import { freshChroot, sharedServer } from '../../support/zookeeper.ts';

it('the reaper gets the session timeout that was granted, not the requested one', async () => {
  const { host, port } = sharedServer();
  const lines: string[] = [];
  const settings = {
    ...defaults,
    access: {
      ...defaults.access,
      hosts: [{ host, port }],
      chroot: freshChroot(),
      timeoutMs: 600_000,
    },
    lock: { ...defaults.lock, id: 'x' },
    command: { line: { kind: 'shell', line: 'true' } },
  } as const;
  const actor = new ZookeeperActor(settings, {
    clock: systemClock,
    log: () => {},
    onSessionToClose: (line) => lines.push(line),
  });
  onTestFinished(() => actor.dispose());
  const established = new Promise<ZookeeperEvent>((resolve) => actor.listen(resolve));
  actor.send({ type: 'session.connect' });
  const event = await established;
  const granted = event.type === 'session.established' ? event.session.timeoutMs : 0;
  expect(granted).toBeLessThan(settings.access.timeoutMs);
  expect(lines.map((line) => decodeOrphanedSession(line).timeoutMs)).toEqual([granted]);
  const closed = new Promise<ZookeeperEvent>((resolve) => actor.listen(resolve));
  actor.send({ type: 'session.close' });
  expect(await closed).toEqual({ type: 'session.closed', clean: true });
});
