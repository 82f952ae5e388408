/**
 * How often lockex waits for ZooKeeper, counted on the wire: what a benchmark would show a little of,
 * on one machine, on one day. docs/performance.md gives the reason for each.
 */
import { expect, it, onTestFinished } from 'vitest';
import { openSession } from '../support/session.ts';
import { Wiretap } from '../support/wiretap.ts';
import { sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';
import { startLockex, untilQueued } from './program.ts';

/** A tap before the shared server, and a tree of its own in which the lock has been used before. */
async function tapped(): Promise<{ readonly tap: Wiretap; readonly hosts: string }> {
  const { chroot } = await sharedServerWithChroot();
  const before = await openSession(sharedServer(), chroot);
  await before.mkdirp('/lockex/x');
  const tap = new Wiretap(sharedServer());
  onTestFinished(() => tap.close());
  return { tap, hosts: `${await tap.listen()}${chroot}` };
}

const WORDS = ['-i', 'x', '-T', '60', '-v', '--'];

it('uncontended, the command starts after two: a session and a node', async () => {
  const { tap, hosts } = await tapped();
  // The watch on our node is not waited for: a command starts whose lockex never hears of it.
  tap.withheld = 'exists';
  const lockex = startLockex(['-z', hosts, ...WORDS, 'echo started; exec sleep 600']);
  await lockex.line(/^started$/);
  expect(tap.turns).toEqual(['handshake', 'create getData getChildren2 exists']);
});

it('and from its end on two more: the node and the session go', async () => {
  const { tap, hosts } = await tapped();
  const { status } = await startLockex(['-z', hosts, ...WORDS, 'true']).ended;
  expect(status).toBe(0);
  expect(tap.turns.slice(-2)).toEqual(['delete', 'closeSession']);
  expect(tap.turns).toHaveLength(5);
});

it('a handover is one notification, one look at the queue, one proof', async () => {
  const { tap, hosts } = await tapped();
  const { chroot } = await sharedServerWithChroot();
  expect(chroot).not.toBe('');
  const direct = hosts.replace(/^[^/]+/, `${sharedServer().host}:${sharedServer().port}`);
  const holder = startLockex(['-z', direct, ...WORDS, 'echo held; read line'], { });
  await holder.line(/^held$/);
  const standby = startLockex(['-z', hosts, ...WORDS, 'echo started; exec sleep 600']);
  await untilQueued(standby);
  const heard = tap.words.length;
  holder.signal('SIGTERM');
  await standby.line(/^started$/);
  const words = tap.words.slice(heard).filter(({ word }) => word !== 'ping');
  expect(words.map(({ by, word }) => `${by} ${word}`)).toEqual([]);
});
