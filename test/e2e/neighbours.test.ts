/** What another user of the same ZooKeeper may do to a lock, by what its ACL permits: docs/SECURITY.md. */
import { writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { CreateMode } from '../../src/zookeeper/client.ts';
import { RequestError } from '../../src/zookeeper/errors.ts';
import type { Session } from '../../src/zookeeper/session/session.ts';
import { openSession } from '../support/session.ts';
import { openAcl, sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';
import { runLockex, startLockex, temporaryFolder, untilState } from './program.ts';

let hosts: string;
let chroot: string;
let alice: string;
beforeEach(async () => {
  ({ connectString: hosts, chroot } = await sharedServerWithChroot());
  alice = `${temporaryFolder()}/alice`;
  writeFileSync(alice, 'alice:secret', { mode: 0o600 });
});

const LOCK = '/lockex/x';

/** A holder whose nodes give everybody else these permissions, and somebody else. */
async function neighbours(permissions: string) {
  const others = permissions === '' ? '' : `,world:anyone:${permissions}`;
  const acl = `auth::cdrwa${others}`;
  const words = ['-z', hosts, '-i', 'x', '-T', '30', '--auth-file', alice, '--acl', acl];
  const holder = startLockex([...words, '--', 'sleep 600']);
  const { path: node } = await untilState(holder, 'running');
  const stranger = await openSession(sharedServer(), chroot);
  return { holder, words, node: String(node), stranger };
}

/** One that changes nothing but for those who are told of it comes first, one that ends it last. */
const DEEDS: Readonly<Record<string, (stranger: Session, node: string) => Promise<unknown>>> = {
  'read the queue': (stranger) => stranger.getChildren(LOCK),
  'read who contends': (stranger, node) => stranger.getData(node),
  'change what a node says': (stranger, node) => stranger.setData(node, Buffer.from('lies'), -1),
  'change what the lock’s node says': (stranger) => stranger.setData(LOCK, Buffer.from('7'), -1),
  'stand in the queue': (stranger) =>
    stranger.create(`${LOCK}/s__lock__`, Buffer.alloc(0), {
      mode: CreateMode.EPHEMERAL_SEQUENTIAL,
    }),
  // lockex itself never asks for that.
  'change the ACL': async () => {
    const error = await openAcl({ ...sharedServer(), path: `${chroot}${LOCK}` });
    if (error !== 0) throw new RequestError(error, LOCK);
  },
  'take a contender out': (stranger, node) => stranger.remove(node),
};

it.each([
  { permissions: '', deeds: [] },
  { permissions: 'r', deeds: ['read the queue', 'read who contends'] },
  { permissions: 'c', deeds: ['stand in the queue'] },
  { permissions: 'd', deeds: ['take a contender out'] },
  { permissions: 'w', deeds: ['change what a node says', 'change what the lock’s node says'] },
  // The ACL opens the rest.
  { permissions: 'a', deeds: ['change the ACL', 'take a contender out'] },
])('with "$permissions" a neighbour may do this: $deeds', async ({ permissions, deeds }) => {
  const { holder, node, stranger } = await neighbours(permissions);
  const done: string[] = [];
  for (const [name, deed] of Object.entries(DEEDS)) {
    await deed(stranger, node).then(
      () => done.push(name),
      (error: unknown) => expect(error).toMatchObject({ code: 'NO_AUTH' }),
    );
  }
  expect(done).toEqual(deeds);
  if (deeds.includes('take a contender out')) {
    // Others may hold the lock from then on: the command is killed at once.
    expect((await holder.ended).status).toBe(124);
    return;
  }
  holder.signal('SIGTERM');
  expect((await holder.ended).stderr).toContain('"exitCode":143');
});

describe('what a neighbour did', () => {
  it('with "w" to the lock’s node is refused by those who come then, naming both sides', async () => {
    const { words, stranger } = await neighbours('w');
    await stranger.setData(LOCK, Buffer.from('7'), -1);
    const { status, stderr } = await runLockex([...words, '-q', '--', 'true']);
    expect(status).toBe(125);
    expect(stderr).toContain(`${LOCK} is a semaphore of 7 (-c 7)`);
  });

  it('with "w" to the record of the last run decides when the command runs again', async () => {
    const acl = 'auth::cdrwa,world:anyone:w';
    const words = ['-z', hosts, '-i', 'x', '-T', '30', '--auth-file', alice, '--acl', acl];
    const once = (span: string) => runLockex([...words, '--once-per', span, '--', 'echo up']);
    expect((await once('1d')).stdout).toBe('up\n');
    const stranger = await openSession(sharedServer(), chroot);
    // Of this moment, by the server's clock; and what it says of who ran it is the neighbour's.
    await stranger.setData(`${LOCK}-__once__`, Buffer.from('somebody'), -1);
    const { stdout, stderr } = await once('1d');
    expect(stdout).toBe('');
    expect(stderr).toMatch(/skipped: somebody .*s ago/);
  });

  it('with "c" is waited for: only its maker takes a node out of the queue', async () => {
    const { holder, words, stranger } = await neighbours('c');
    // Without a sequence number of the server's, before all others.
    const node = `${LOCK}/s__lock__0000000000`;
    await stranger.create(node, Buffer.alloc(0), { mode: CreateMode.EPHEMERAL });
    const { status, stdout } = await runLockex([...words, '-q', '-t', '0', '--', 'echo up']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    // The holder holds on: it was first when it was granted the lock.
    holder.signal('SIGTERM');
    expect((await holder.ended).stderr).toContain('"exitCode":143');
  });
});
