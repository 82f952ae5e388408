import { expect, test } from 'vitest';
import { fourLetterWord } from '../../scripts/lib/loopback.js';
import { createNode, freshChroot, sharedServer, sharedServerWithChroot } from './zookeeper.ts';

test('the shared server is a standalone one with half-second ticks', async () => {
  const answer = await fourLetterWord(sharedServer().port, 'conf');
  expect(answer).toContain('tickTime=500');
});

test('a chroot is created once, and a second time is refused', async () => {
  const { chroot } = await sharedServerWithChroot();
  const nodeExists = '-110';
  await expect(createNode({ ...sharedServer(), path: chroot })).rejects.toThrow(nodeExists);
});

test('creating a node below a missing parent is refused', async () => {
  const path = `${freshChroot()}/child`;
  const noNode = '-101';
  await expect(createNode({ ...sharedServer(), path })).rejects.toThrow(noNode);
});
