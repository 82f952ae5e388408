/**
 * Servers of 3.8.4, 3.9.2 and later require the READ permission for `exists` (ZOOKEEPER-2590,
 * `FinalRequestProcessor`).
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { CREATOR_ACL } from '../../src/settings/access.ts';
import { Semaphore } from '../../src/zookeeper/recipes/semaphore.ts';
import {
  runLockex,
  startLockex,
  temporaryDirectory,
  untilQueued,
  untilState,
} from '../e2e/program.ts';
import { openSession } from '../support/session.ts';
import { sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';

let hosts: string;
let chroot: string;
/** A file with bob's password. */
let bob: string;

beforeEach(async () => {
  ({ connectString: hosts, chroot } = await sharedServerWithChroot());
  bob = `${temporaryDirectory()}/bob`;
  writeFileSync(bob, 'bob:secret\n');
  chmodSync(bob, 0o600);
});

const sessionOfBob = () =>
  openSession(sharedServer(), chroot, { auth: { kind: 'file', path: bob }, acl: CREATOR_ACL });

it('exists is denied for a node that must not be read', async () => {
  const session = await sessionOfBob();
  await session.create('/closed', Buffer.alloc(0), { mode: 0 });
  const stranger = await openSession(sharedServer(), chroot);
  await expect(stranger.exists('/closed')).rejects.toMatchObject({ code: 'NO_AUTH' });
  expect(await stranger.exists('/absent')).toBeNull();
});

it('status shows a contender that must not be read, without its time', async () => {
  const open = startLockex(['-z', hosts, '-i', 'x', '--', 'sleep 600']);
  await untilState(open, 'running');
  const closed = startLockex(['-z', hosts, '-i', 'x', '--auth-file', bob, '--', 'sleep 600']);
  await untilQueued(closed);
  const { status, stdout, stderr } = await runLockex(['status', '-z', hosts, '--json']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject([
    { id: 'x', holders: [{ pid: open.pid }], waiters: [{ pid: null, since: null }] },
  ]);
});

it('status works below a chroot that must not be read', async () => {
  await runLockex(['-z', hosts, '-i', 'x', '--', 'true']);
  const session = await sessionOfBob();
  await session.create('/closed', Buffer.alloc(0), { mode: 0 });
  const below = await openSession(sharedServer(), `${chroot}/closed`, {
    auth: { kind: 'file', path: bob },
  });
  await below.mkdirp('/lockex/x');
  const closed = await runLockex(['status', '-z', `${hosts}/closed`]);
  expect(closed).toEqual(expect.objectContaining({ status: 1, stdout: 'x: free\n', stderr: '' }));
  const absent = await runLockex(['status', '-z', `${hosts}/absent`]);
  expect(absent.stderr).toContain('does not exist');
});

it('a permit that must not be read counts as held', async () => {
  const words = ['-z', hosts, '-i', 'pool', '-c', '2', '--', 'sleep 600'];
  const first = startLockex(words);
  await untilState(first, 'running');
  const session = await sessionOfBob();
  await session.create('/lockex/pool/closed', Buffer.alloc(0), { mode: 1 });
  const second = startLockex(words);
  await untilQueued(second);
  await session.remove('/lockex/pool/closed');
  await untilState(second, 'running');
});

it('a permit is given back for one that must not be read: the other may be older', async () => {
  const [mine, session] = [await openSession(sharedServer(), chroot), await sessionOfBob()];
  const data = Buffer.from('me');
  const semaphore = new Semaphore(mine, { path: '/s', permits: 1, guid: 'a'.repeat(32), data });
  const multi = mine.multi.bind(mine);
  mine.multi = async (operations) => {
    mine.multi = multi;
    await multi(operations);
    // As kazoo's non-blocking path can: without the inner lock.
    await session.create('/s/closed', Buffer.alloc(0), { mode: 1 });
  };
  expect(await semaphore.advance(() => {})).toMatchObject({
    kind: 'queued',
    queue: { holders: [{ node: 'closed', label: '' }] },
  });
  expect(await mine.getChildren('/s')).toEqual(['closed']);
});
