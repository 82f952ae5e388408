/**
 * How often lockex waits for ZooKeeper, counted on the wire: what a benchmark would show a little
 * of, on one machine, on one day. docs/performance.md gives the reason for each.
 */
import { expect, it, onTestFinished } from 'vitest';
import { openSession } from '../support/session.ts';
import { until } from '../support/until.ts';
import { Wiretap } from '../support/wiretap.ts';
import { sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';
import { startLockex, untilQueued } from './program.ts';

/** A wiretap in front of the shared server, and a chroot in which the lock was used before. */
async function tapped(): Promise<{ readonly tap: Wiretap; readonly hosts: string }> {
  const { chroot } = await sharedServerWithChroot();
  const before = await openSession(sharedServer(), chroot);
  await before.mkdirp('/lockex/x');
  const tap = new Wiretap(sharedServer());
  onTestFinished(() => tap.close());
  return { tap, hosts: `${await tap.listen()}${chroot}` };
}

const START = ['handshake', 'create', 'getData', 'getChildren2'];
const ARGS = ['-i', 'x', '-T', '60', '-v', '--'];

it('without contention, the command starts after two: session and node', async () => {
  const { tap, hosts } = await tapped();
  // Three requests are one round trip: all are sent before the first answer.
  tap.held = { answer: 'create', until: 'getChildren2' };
  const first = startLockex(['-z', hosts, ...ARGS, 'exit 0']);
  expect((await first.ended).status).toBe(0);
  // lockex does not wait for the watch on its node, which is never answered here.
  tap.messages.length = 0;
  tap.held = { answer: 'exists', until: null };
  const second = startLockex(['-z', hosts, ...ARGS, 'echo started; exec sleep 600']);
  await second.line(/^started$/);
  expect(tap.sentBy('client')).toEqual([...START, 'exists']);
});

it('the end takes one more: the node is deleted, then the session closed', async () => {
  const { tap, hosts } = await tapped();
  tap.held = { answer: 'delete', until: 'closeSession' };
  const { status } = await startLockex(['-z', hosts, ...ARGS, 'true']).ended;
  expect(status).toBe(0);
  expect(tap.sentBy('client')).toEqual([...START, 'exists', 'delete', 'closeSession']);
});

it('the end succeeds even if its answers are lost', async () => {
  const { tap, hosts } = await tapped();
  tap.held = { answer: 'delete', until: null };
  const { status, stderr } = await startLockex(['-z', hosts, ...ARGS, 'true']).ended;
  expect(status).toBe(0);
  // The server confirms on another connection that the session is closed.
  expect(tap.sentBy('client').slice(-3)).toEqual(['delete', 'closeSession', 'handshake']);
  expect(stderr).not.toMatch(/could not be|lost/);
});

it('a handover takes one notification: everything else was prepared', async () => {
  const { tap, hosts } = await tapped();
  const holder = startLockex(['-z', beside(hosts), ...ARGS, 'echo held; exec sleep 600']);
  await holder.line(/^held$/);
  const standby = startLockex(['-z', hosts, ...ARGS, 'echo started; exec sleep 600']);
  await untilQueued(standby);
  // With a watch on its own node and a first confirmation, it is prepared.
  await until(() => tap.sentBy('server').filter((operation) => operation === 'multi').length === 1);
  await until(() => tap.sentBy('server').includes('exists'));
  const before = tap.messages.length;
  holder.signal('SIGTERM');
  await standby.line(/^started$/);
  const messages = tap.messages.slice(before).filter(({ operation }) => operation !== 'ping');
  expect(messages).toEqual([{ by: 'server', operation: 'notification' }]);
});

it('the third in the queue receives and sends nothing', async () => {
  const { tap, hosts } = await tapped();
  const others = [beside(hosts), beside(hosts)];
  const [holder] = await startInTurn(others);
  const third = startLockex(['-z', hosts, ...ARGS, 'exec sleep 600']);
  await untilQueued(third);
  await until(
    () => tap.sentBy('server').filter((operation) => operation === 'getData').length >= 3,
  );
  const before = tap.messages.length;
  holder?.signal('SIGTERM');
  await holder?.ended;
  const messages = tap.messages.slice(before).filter(({ operation }) => operation !== 'ping');
  expect(messages).toEqual([]);
});

/** The same chroot without the wiretap. */
function beside(hosts: string): string {
  const { host, port } = sharedServer();
  return hosts.replace(/^[^/]+/, `${host}:${port}`);
}

/** A holder, and other contenders behind it. */
async function startInTurn(hosts: readonly string[]) {
  const contenders = [];
  for (const [index, host] of hosts.entries()) {
    const contender = startLockex(['-z', host, ...ARGS, 'echo held; exec sleep 600']);
    if (index === 0) await contender.line(/^held$/);
    else await untilQueued(contender);
    contenders.push(contender);
  }
  return contenders;
}

it('logs the duration of each phase at level debug, in order', async () => {
  const { connectString } = await sharedServerWithChroot();
  const { stderr } = await startLockex(['-z', connectString, '-v', '--', 'true']).ended;
  const line = /milliseconds since the process began: ([^"]+)"/.exec(stderr)?.[1] ?? '';
  const phases = line.split(', ').map((phase) => phase.split(' '));
  const names = phases.map(([name]) => name);
  // A near server is connected before the machine is loaded.
  expect(names).toContain('load');
  expect(names.filter((name) => name !== 'load')).toEqual(
    'connect session node grant spawn exit release close'.split(' '),
  );
  const times = phases.map(([, time]) => Number(time));
  expect(times).toEqual([...times].sort((a, b) => a - b));
});
