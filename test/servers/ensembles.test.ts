/** Ensembles with other members and sessions than the usual ones. */
import { expect, it, onTestFinished } from 'vitest';
import { startLockex, untilQueued, untilState } from '../e2e/program.ts';
import { type Ensemble, type EnsembleOptions, startEnsemble } from '../support/zookeeper.ts';

async function ensembleWith(options: EnsembleOptions): Promise<Ensemble> {
  const ensemble = await startEnsemble(options);
  onTestFinished(() => ensemble.stop());
  return ensemble;
}

/** Holder and standby at these hosts: the lock moves when the holder receives SIGTERM. */
async function handsOver(hosts: string, standbyHosts = hosts): Promise<void> {
  const words = (at: string) => ['-z', at, '-i', 'x', '-T', '8', '--', 'sleep 600'];
  const holder = startLockex(words(hosts));
  await untilState(holder, 'running');
  const standby = startLockex(words(standbyHosts));
  await untilQueued(standby);
  holder.signal('SIGTERM');
  await untilState(standby, 'running');
  expect((await holder.ended).status).toBe(143);
  standby.signal('SIGTERM');
  expect((await standby.ended).status).toBe(143);
}

it('a lock is held, renewed and handed over through an observer', async () => {
  const { members } = await ensembleWith({ size: 4, observers: 1 });
  const observer = members[3]?.connectString ?? '';
  expect(await members[3]?.role()).toBe('observer');
  const script = 'echo up; sleep 12; echo done';
  const holder = startLockex(['-z', observer, '-i', 'long', '-T', '6', '--', script]);
  await handsOver(observer, members[0]?.connectString);
  // Twice the session timeout: the lease was renewed through the observer.
  expect(await holder.ended).toMatchObject({ status: 0, stdout: 'up\ndone\n' });
});

it('a member in read-only mode grants nothing, and ends a hold', async () => {
  const { members } = await ensembleWith({
    config: { 'readonlymode.enabled': true },
    jvmArguments: ['-Dreadonlymode.enabled=true'],
  });
  const [survivor, ...others] = members;
  if (survivor === undefined) throw new Error('an ensemble has members');
  const holder = startLockex(['-z', survivor.connectString, '-i', 'x', '--', 'sleep 600']);
  await untilState(holder, 'running');
  await Promise.all(others.map((member) => member.kill()));
  const { status } = await holder.ended;
  expect(status).not.toBe(0);
  await expect.poll(() => survivor.fourLetter('srvr')).toMatch(/^Mode: read-only$/m);
  const hosts = survivor.connectString;
  const late = startLockex(['-z', hosts, '-i', 'y', '-R', '2', '--', 'echo up']);
  expect(await late.ended).toMatchObject({ status: 125, stdout: '' });
});

it('a lock is handed over with local sessions, which are upgraded', async () => {
  const { members } = await ensembleWith({
    config: { localSessionsEnabled: true, localSessionsUpgradingEnabled: true },
  });
  await handsOver(members.map(({ connectString }) => connectString).join(','));
  for (const { connectString } of members) await handsOver(connectString);
});

it('a lock is handed over between members with different ticks and the same limits', async () => {
  const ticks = [300, 500, 1000];
  const { members } = await ensembleWith({
    minSessionTimeout: 2000,
    maxSessionTimeout: 20_000,
    member: (id) => ({ tickTime: ticks[id - 1] ?? 500 }),
  });
  const hosts = members.map(({ connectString }) => connectString);
  for (const [index, at] of hosts.entries()) await handsOver(at, hosts[(index + 1) % 3]);
});
