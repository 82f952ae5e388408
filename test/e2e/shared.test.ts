/** Shared locks of lockex, and with kazoo's ReadLock and WriteLock. */
import { beforeEach, describe, expect, it } from 'vitest';
import { startKazoo } from '../support/kazoo.ts';
import type { Program } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { startLockex, untilQueued, untilState } from './program.ts';

let hosts: string;
beforeEach(async () => {
  hosts = (await sharedServerWithChroot()).connectString;
});

const lockex = (...args: string[]) =>
  startLockex(['-z', hosts, '-i', 'x', ...args, '--', 'sleep', '600']);

const running = (program: Program) => untilState(program, 'running');

async function stopped(program: Program) {
  program.signal('SIGTERM');
  expect((await program.ended).status).toBe(143);
}

describe('a shared lock', () => {
  it('is held by many; an exclusive contender waits for all, and later ones wait behind it', async () => {
    const [one, two] = [lockex('--shared'), lockex('--shared')];
    for (const program of [one, two]) await running(program);
    const alone = lockex();
    expect(await untilQueued(alone)).toMatchObject({ queue: { position: 2 } });
    const late = lockex('--shared');
    expect(await untilQueued(late)).toMatchObject({ queue: { position: 1 } });
    await stopped(one);
    expect(alone.stderr).not.toContain('"state":"running"');
    await stopped(two);
    await running(alone);
    expect(late.stderr).not.toContain('"state":"running"');
    await stopped(alone);
    await running(late);
  });

  it('is not acquired with --no-blocking while it is held exclusively', async () => {
    const alone = lockex();
    await running(alone);
    expect((await lockex('--shared', '--no-blocking').ended).status).toBe(1);
  });
});

describe('with kazoo', () => {
  it('a ReadLock shares with lockex, and a WriteLock waits for lockex', async () => {
    const ours = lockex('--shared');
    await running(ours);
    const kazoo = await startKazoo(hosts);
    const [reader, writer] = [
      await kazoo.readLock('/lockex/x'),
      await kazoo.writeLock('/lockex/x'),
    ];
    expect(await reader.acquire()).toBe(true);
    await reader.release();
    expect(await writer.acquire({ blocking: false })).toBe(false);
    const acquired = writer.acquire();
    await stopped(ours);
    expect(await acquired).toBe(true);
  });

  it('lockex shares with a ReadLock, and waits for a WriteLock', async () => {
    const kazoo = await startKazoo(hosts);
    const reader = await kazoo.readLock('/lockex/x');
    expect(await reader.acquire()).toBe(true);
    const ours = lockex('--shared');
    await running(ours);
    await stopped(ours);
    const alone = lockex();
    await untilQueued(alone);
    await reader.release();
    await running(alone);
    await stopped(alone);
    const writer = await kazoo.writeLock('/lockex/x');
    expect(await writer.acquire()).toBe(true);
    const waiting = lockex('--shared');
    await untilQueued(waiting);
    await writer.release();
    await running(waiting);
  });
});
