/**
 * The effects of another client on a lock, by the permissions that its ACL grants:
 * docs/SECURITY.md.
 */
import { writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { CreateMode } from '../../src/zookeeper/client.ts';
import { RequestError } from '../../src/zookeeper/errors.ts';
import type { Session } from '../../src/zookeeper/session/session.ts';
import { openSession } from '../support/session.ts';
import { openAcl, sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';
import { runLockex, startLockex, temporaryDirectory, untilState } from './program.ts';

let hosts: string;
let chroot: string;
let alice: string;
beforeEach(async () => {
  ({ connectString: hosts, chroot } = await sharedServerWithChroot());
  alice = `${temporaryDirectory()}/alice`;
  writeFileSync(alice, 'alice:secret', { mode: 0o600 });
});

const LOCK = '/lockex/x';

/** A holder whose nodes grant these permissions to all, and a session of another client. */
async function neighbours(permissions: string) {
  const others = permissions === '' ? '' : `,world:anyone:${permissions}`;
  const acl = `auth::cdrwa${others}`;
  const args = ['-z', hosts, '-i', 'x', '-T', '30', '--auth-file', alice, '--acl', acl];
  const holder = startLockex([...args, '--', 'sleep 600']);
  const { path: node } = await untilState(holder, 'running');
  const other = await openSession(sharedServer(), chroot);
  return { holder, args, node: String(node), other };
}

/** In the order of their effects: reading first, ending the holder last. */
const ATTEMPTS: Readonly<Record<string, (other: Session, node: string) => Promise<unknown>>> = {
  'read the queue': (other) => other.getChildren(LOCK),
  'read the data of a contender': (other, node) => other.getData(node),
  'change the data of a node': (other, node) => other.setData(node, Buffer.from('lies'), -1),
  'change the data of the lock’s node': (other) => other.setData(LOCK, Buffer.from('7'), -1),
  'create a node in the queue': (other) =>
    other.create(`${LOCK}/s__lock__`, Buffer.alloc(0), {
      mode: CreateMode.EPHEMERAL_SEQUENTIAL,
    }),
  // lockex itself never sends this request.
  'change the ACL': async () => {
    const error = await openAcl({ ...sharedServer(), path: `${chroot}${LOCK}` });
    if (error !== 0) throw new RequestError(error, LOCK);
  },
  'delete the node of a contender': (other, node) => other.remove(node),
};

it.each([
  { permissions: '', allowed: [] },
  { permissions: 'r', allowed: ['read the queue', 'read the data of a contender'] },
  { permissions: 'c', allowed: ['create a node in the queue'] },
  { permissions: 'd', allowed: ['delete the node of a contender'] },
  {
    permissions: 'w',
    allowed: ['change the data of a node', 'change the data of the lock’s node'],
  },
  // The new ACL allows the next attempt.
  { permissions: 'a', allowed: ['change the ACL', 'delete the node of a contender'] },
])(
  'with "$permissions" another client is allowed to: $allowed',
  async ({ permissions, allowed }) => {
    const { holder, node, other } = await neighbours(permissions);
    const done: string[] = [];
    for (const [name, attempt] of Object.entries(ATTEMPTS)) {
      await attempt(other, node).then(
        () => done.push(name),
        (error: unknown) => expect(error).toMatchObject({ code: 'NO_AUTH' }),
      );
    }
    expect(done).toEqual(allowed);
    if (allowed.includes('delete the node of a contender')) {
      // Another contender may acquire the lock from now on: the command is killed at once.
      expect((await holder.ended).status).toBe(124);
      return;
    }
    holder.signal('SIGTERM');
    expect((await holder.ended).stderr).toContain('"exitCode":143');
  },
);

describe('another client', () => {
  it('with "w" to the lock’s node can change its kind: new contenders exit with 125', async () => {
    const { args, other } = await neighbours('w');
    await other.setData(LOCK, Buffer.from('7'), -1);
    const { status, stderr } = await runLockex([...args, '-q', '--', 'true']);
    expect(status).toBe(125);
    expect(stderr).toContain(`${LOCK} is a semaphore of 7 (-c 7)`);
  });

  it('with "w" to the record of the last run can prevent runs of the command', async () => {
    const acl = 'auth::cdrwa,world:anyone:w';
    const args = ['-z', hosts, '-i', 'x', '-T', '30', '--auth-file', alice, '--acl', acl];
    const once = (span: string) => runLockex([...args, '--once-per', span, '--', 'echo up']);
    expect((await once('1d')).stdout).toBe('up\n');
    const other = await openSession(sharedServer(), chroot);
    // The time of the record is that of this write, and its text that of the other client.
    await other.setData(`${LOCK}-__once__`, Buffer.from('another client'), -1);
    const { stdout, stderr } = await once('1d');
    expect(stdout).toBe('');
    expect(stderr).toMatch(/skipped: another client .*s ago/);
  });

  it('with "c" can block new contenders: only its own client removes its node', async () => {
    const { holder, args, other } = await neighbours('c');
    // Created by name, with a sequence number before all others.
    const node = `${LOCK}/s__lock__0000000000`;
    await other.create(node, Buffer.alloc(0), { mode: CreateMode.EPHEMERAL });
    const { status, stdout } = await runLockex([...args, '-q', '-t', '0', '--', 'echo up']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    // The holder is not affected: it was first when it was granted the lock.
    holder.signal('SIGTERM');
    expect((await holder.ended).stderr).toContain('"exitCode":143');
  });
});
