import { expect, it, onTestFinished } from 'vitest';
import { fourLetterWord } from '../../scripts/servers/loopback.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import {
  createNode,
  freshChroot,
  type MemberAddress,
  sharedServer,
  sharedServerWithChroot,
  startEnsemble,
  startServer,
} from './zookeeper.ts';

it('the shared server is a standalone one with half-second ticks', async () => {
  const answer = await fourLetterWord(sharedServer().port, 'conf');
  expect(answer).toContain('tickTime=500');
});

it('creating a chroot a second time is refused', async () => {
  const { chroot } = await sharedServerWithChroot();
  const nodeExists = '-110';
  await expect(createNode({ ...sharedServer(), path: chroot })).rejects.toThrow(nodeExists);
});

it('creating a node below a missing parent is refused', async () => {
  const path = `${freshChroot()}/child`;
  const noNode = '-101';
  await expect(createNode({ ...sharedServer(), path })).rejects.toThrow(noNode);
});

it('a killed server restarts with its port and data', async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  const path = freshChroot();
  await createNode({ ...at(server), path });
  await server.kill();
  expect(await server.role()).toBeUndefined();
  await server.restart();
  const nodeExists = '-110';
  await expect(createNode({ ...at(server), path })).rejects.toThrow(nodeExists);
});

it('a paused server does not serve until it is resumed', async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  await server.pause();
  await expect(server.fourLetter('srvr', { timeoutMs: 300 })).rejects.toThrow('no answer');
  server.resume();
  await server.ready();
});

it('a follower that is partitioned from the leader does not serve until the partition is healed', async () => {
  const toQuorumPort = new Map<string, FaultProxy>();
  const ensemble = await startEnsemble({
    tickTime: 200,
    syncLimit: 5,
    reach: async ({ from, to }) => {
      const proxy = await startFaultProxy(to.host, to.quorumPort);
      onTestFinished(() => proxy.close());
      toQuorumPort.set(route(from, to), proxy);
      return { ...to, quorumPort: proxy.port };
    },
  });
  onTestFinished(() => ensemble.stop());
  const leader = await ensemble.leader();
  const [follower] = await ensemble.followers();
  if (follower === undefined) throw new Error('an ensemble without a follower');
  const [from, to] = [follower, leader].map((member) => ensemble.members.indexOf(member) + 1);
  const proxy = toQuorumPort.get(`${from}→${to}`);
  expect(proxy?.connections()).toBe(1);
  await proxy?.blackhole('both');
  await expect.poll(() => follower.role(), { timeout: 30_000 }).toBeUndefined();
  expect(await leader.role()).toBe('leader');
  await proxy?.pass();
  await follower.ready();
  expect(await follower.role()).toBe('follower');
});

function at(server: { host: string; port: number }): { host: string; port: number } {
  return { host: server.host, port: server.port };
}

function route(from: MemberAddress, to: MemberAddress): string {
  return `${from.id}→${to.id}`;
}
