/**
 * How often lockex waits for ZooKeeper, counted on the wire: what a benchmark would show a little of,
 * on one machine, on one day. docs/performance.md gives the reason for each.
 */
import { expect, it, onTestFinished } from 'vitest';
import { openSession } from '../support/session.ts';
import { until } from '../support/until.ts';
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

const START = ['handshake', 'create', 'getData', 'getChildren2'];
const WORDS = ['-i', 'x', '-T', '60', '-v', '--'];

it('uncontended, the command starts after two: a session and a node', async () => {
  const { tap, hosts } = await tapped();
  // Three requests are one round trip: no answer comes before all three were asked.
  tap.held = { answer: 'create', until: 'getChildren2' };
  const first = startLockex(['-z', hosts, ...WORDS, 'exit 0']);
  expect((await first.ended).status).toBe(0);
  // The watch on our node is not waited for: here its answer never comes.
  tap.words.length = 0;
  tap.held = { answer: 'exists', until: null };
  const second = startLockex(['-z', hosts, ...WORDS, 'echo started; exec sleep 600']);
  await second.line(/^started$/);
  expect(tap.saidBy('client')).toEqual([...START, 'exists']);
});

it('and from its end on one more: the node and the session go, in this order', async () => {
  const { tap, hosts } = await tapped();
  tap.held = { answer: 'delete', until: 'closeSession' };
  const { status } = await startLockex(['-z', hosts, ...WORDS, 'true']).ended;
  expect(status).toBe(0);
  expect(tap.saidBy('client')).toEqual([...START, 'exists', 'delete', 'closeSession']);
});

it('an end whose answers are lost is an end all the same', async () => {
  const { tap, hosts } = await tapped();
  tap.held = { answer: 'delete', until: null };
  const { status, stderr } = await startLockex(['-z', hosts, ...WORDS, 'true']).ended;
  expect(status).toBe(0);
  // The server, asked on another connection, says that the session is over.
  expect(tap.saidBy('client').slice(-3)).toEqual(['delete', 'closeSession', 'handshake']);
  expect(stderr).not.toMatch(/could not be|lost/);
});

it('a handover is one notification: the rest was had beforehand', async () => {
  const { tap, hosts } = await tapped();
  const holder = startLockex(['-z', beside(hosts), ...WORDS, 'echo held; exec sleep 600']);
  await holder.line(/^held$/);
  const standby = startLockex(['-z', hosts, ...WORDS, 'echo started; exec sleep 600']);
  await untilQueued(standby);
  // Its own node watched, and a first confirmation: then it is ready.
  await until(() => tap.saidBy('server').filter((word) => word === 'multi').length === 1);
  await until(() => tap.saidBy('server').includes('exists'));
  const before = tap.words.length;
  holder.signal('SIGTERM');
  await standby.line(/^started$/);
  const words = tap.words.slice(before).filter(({ word }) => word !== 'ping');
  expect(words).toEqual([{ by: 'server', word: 'notification' }]);
});

it('the third in line is told nothing, and asks nothing', async () => {
  const { tap, hosts } = await tapped();
  const others = [beside(hosts), beside(hosts)];
  const [holder] = await startInTurn(others);
  const third = startLockex(['-z', hosts, ...WORDS, 'exec sleep 600']);
  await untilQueued(third);
  await until(() => tap.saidBy('server').filter((word) => word === 'getData').length >= 3);
  const before = tap.words.length;
  holder?.signal('SIGTERM');
  await holder?.ended;
  const words = tap.words.slice(before).filter(({ word }) => word !== 'ping');
  expect(words).toEqual([]);
});

/** The same tree, not through the tap. */
function beside(hosts: string): string {
  const { host, port } = sharedServer();
  return hosts.replace(/^[^/]+/, `${host}:${port}`);
}

/** A holder, and behind it whoever else. */
async function startInTurn(hosts: readonly string[]) {
  const contenders = [];
  for (const [index, host] of hosts.entries()) {
    const contender = startLockex(['-z', host, ...WORDS, 'echo held; exec sleep 600']);
    if (index === 0) await contender.line(/^held$/);
    else await untilQueued(contender);
    contenders.push(contender);
  }
  return contenders;
}

it('says at level debug where the time went, in the order of what happened', async () => {
  const { connectString } = await sharedServerWithChroot();
  const { stderr } = await startLockex(['-z', connectString, '-v', '--', 'true']).ended;
  const line = /milliseconds since the process began: ([^"]+)"/.exec(stderr)?.[1] ?? '';
  const phases = line.split(', ').map((phase) => phase.split(' '));
  const names = phases.map(([name]) => name);
  // A server that is near is reached before the machine is loaded.
  expect(names).toContain('load');
  expect(names.filter((name) => name !== 'load')).toEqual(
    'connect session node grant spawn exit release close'.split(' '),
  );
  const times = phases.map(([, time]) => Number(time));
  expect(times).toEqual([...times].sort((a, b) => a - b));
});
