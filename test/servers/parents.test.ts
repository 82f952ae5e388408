/** Locks below nodes with a quota, and below nodes that the server deletes by itself. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runLockex, startLockex, untilQueued, untilState } from '../e2e/program.ts';
import { openSession } from '../support/session.ts';
import { createSpecialNode, type Server, startServer } from '../support/zookeeper.ts';

const CHECK_MS = 500;
let server: Server;

beforeAll(async () => {
  server = await startServer({
    config: { enforceQuota: true, extendedTypesEnabled: true },
    jvmArguments: [
      '-Dzookeeper.enforceQuota=true',
      '-Dzookeeper.extendedTypesEnabled=true',
      `-Dznode.container.checkIntervalMs=${CHECK_MS}`,
    ],
  });
});
afterAll(() => server?.stop());

it('a quota that is exceeded refuses the lock, and names the node', async () => {
  const session = await openSession(server);
  await session.mkdirp('/full/x');
  await session.mkdirp('/zookeeper/quota/full');
  const limits = Buffer.from('count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2');
  await session.create('/zookeeper/quota/full/zookeeper_limits', limits, { mode: 0 });
  await session.create('/zookeeper/quota/full/zookeeper_stats', Buffer.from('count=2,bytes=0'), {
    mode: 0,
  });
  const words = ['-z', server.connectString, '-p', 'full', '-i', 'x', '--', 'echo up'];
  const refused = await runLockex(words);
  expect(refused).toMatchObject({ status: 125, stdout: '' });
  expect(refused.stderr).toContain('/full/x');
  expect(refused.stderr).toContain('a quota is exceeded');
});

it.each(['container', 'ttl'] as const)(
  'a lock whose node is a %s node exists again after the server has deleted it',
  async (kind) => {
    const session = await openSession(server);
    await session.mkdirp(`/${kind}`);
    await createSpecialNode({ host: server.host, port: server.port, path: `/${kind}/x` }, kind);
    // Keeps the node until the queue does: its time to live counts from its creation.
    await session.create(`/${kind}/x/keep`, Buffer.alloc(0), { mode: 1 });
    const words = ['-z', server.connectString, '-p', kind, '-i', 'x', '--'];
    const holder = startLockex([...words, 'sleep 600']);
    await untilState(holder, 'running');
    const standby = startLockex([...words, 'echo up']);
    await untilQueued(standby);
    await session.remove(`/${kind}/x/keep`);
    // The server deletes only nodes without children: the queue keeps the lock's node alive.
    await new Promise((resolve) => setTimeout(resolve, 4 * CHECK_MS));
    expect(await session.getChildren(`/${kind}/x`)).toHaveLength(2);
    holder.signal('SIGTERM');
    expect(await standby.ended).toMatchObject({ status: 0, stdout: 'up\n' });
    await expect.poll(() => session.exists(`/${kind}/x`)).toBeNull();
    expect(await runLockex([...words, 'echo again'])).toMatchObject({ stdout: 'again\n' });
  },
);
