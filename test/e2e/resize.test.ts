/** docs/semaphore.md: changing N while the semaphore is in use. */
import { beforeEach, expect, it } from 'vitest';
import { openSession } from '../support/session.ts';
import { sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';
import {
  contentOf,
  runLockex,
  startLockex,
  temporaryDirectory,
  untilQueued,
  untilState,
} from './program.ts';

let hosts: string;
let chroot: string;
beforeEach(async () => {
  ({ connectString: hosts, chroot } = await sharedServerWithChroot());
});

const contender = (permits: number, job = 'exec sleep 600') =>
  startLockex(['-z', hosts, '-i', 'pool', '-c', `${permits}`, '--', job]);

/** Like `zkCli.sh set /lockex/pool N`. */
async function setPermits(permits: number): Promise<void> {
  const admin = await openSession(sharedServer(), chroot);
  await admin.setData('/lockex/pool', Buffer.from(String(permits)), -1);
}

it('more permits: holders continue, waiters must use the new N', async () => {
  const holders = [contender(2), contender(2)];
  for (const holder of holders) await untilState(holder, 'running');
  const waiter = contender(2);
  await untilQueued(waiter);
  await setPermits(3);
  holders[0]?.signal('SIGTERM');
  await holders[0]?.ended;
  const { status, stderr } = await waiter.ended;
  expect(status).toBe(125);
  expect(stderr).toContain('is a semaphore of 3, not 2');
  const more = [contender(3), contender(3)];
  for (const program of more) await untilState(program, 'running');
  expect(
    (await runLockex(['-z', hosts, '-i', 'pool', '-c', '3', '--no-blocking', '--', 'true'])).status,
  ).toBe(1);
  expect(holders[1]?.stderr).not.toContain('cleanup');
});

it('fewer permits: holders continue, and no permit is granted until enough are free', async () => {
  const journal = `${temporaryDirectory()}/journal`;
  const one = contender(3);
  // A contender that is admitted too early would have started by now.
  const ending = `sleep 1; echo ended >>${journal}; exit`;
  const two = contender(3, `trap '${ending}' TERM; sleep 600 & wait`);
  const three = contender(3);
  for (const holder of [one, two, three]) await untilState(holder, 'running');
  await setPermits(2);
  const waiter = contender(2, `echo started >>${journal}; exec sleep 600`);
  await untilQueued(waiter);
  one.signal('SIGTERM');
  await one.ended;
  // Two permits are still held, which is the maximum.
  two.signal('SIGTERM');
  await untilState(waiter, 'running');
  await expect.poll(() => contentOf(journal)).toBe('ended\nstarted\n');
});
