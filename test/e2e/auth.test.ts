/** Digest authentication and ACLs on a real server, and the secrecy of the password. */
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { CREATOR_ACL } from '../../src/settings/access.ts';
import { startKazoo } from '../support/kazoo.ts';
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

const PASSWORD = 'zqxjkvbzpw';
let hosts: string;
let chroot: string;
let directory: string;
/** A file with alice's password. */
let alice: string;

beforeEach(async () => {
  ({ connectString: hosts, chroot } = await sharedServerWithChroot());
  directory = temporaryDirectory();
  alice = fileWith(`alice:${PASSWORD}\n`);
});

function fileWith(text: string, mode = 0o600): string {
  const file = `${directory}/a${Buffer.from(text).toString('hex').slice(0, 40)}`;
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

async function refused(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await runLockex(['-z', hosts, '-q', ...args, '--', 'echo']);
  expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
  return stderr.replace(/^\S+ /, '');
}

it('status shows the readable locks, and names the others', async () => {
  const open = startLockex(['-z', hosts, '-i', 'open', '--', 'sleep 600']);
  await untilState(open, 'running');
  // In a lock that is open to all, a contender whose data only it may read.
  const args = ['-z', hosts, '-i', 'open', '--auth-file', alice, '--', 'sleep 600'];
  const discreet = startLockex(args);
  await untilQueued(discreet);
  const closed = startLockex(['-z', hosts, '-i', 'own', '--auth-file', alice, '--', 'sleep 600']);
  await untilState(closed, 'running');
  const { status, stdout, stderr } = await runLockex(['status', '-z', hosts, '--json']);
  expect({ status, stderr }).toEqual({
    status: 125,
    stderr: 'lockex: /lockex/own: no rights (ACL) (no --auth-file was given)\n',
  });
  const shown = JSON.parse(stdout);
  expect(shown).toMatchObject([
    { id: 'open', holders: [{ by: 'lockex', pid: open.pid }], waiters: [{ pid: null }] },
  ]);
  // null from servers of 3.8.4, 3.9.2 and later, which require READ for `exists` as well.
  const { since } = shown[0].waiters[0];
  if (since !== null) expect(since).toMatch(/^\d{4}-/);
});

describe('an authenticated lockex', () => {
  it('owns its nodes: another password, or none, is refused in one line', async () => {
    const holder = startLockex(['-z', hosts, '-i', 'x', '--auth-file', alice, '--', 'sleep 600']);
    await untilState(holder, 'running');
    const second = startLockex(['-z', hosts, '-i', 'x', '--auth-file', alice, '--', 'echo up']);
    await untilQueued(second);

    const wrong = fileWith('alice:wrong');
    expect(await refused('-i', 'x', '--auth-file', wrong)).toBe(
      `lockex: error: done: /lockex/x: no rights (ACL) for the user and password in ${wrong}\n`,
    );
    const unauthenticated =
      'lockex: error: done: /lockex/x: no rights (ACL) (no --auth-file was given)\n';
    expect(await refused('-i', 'x')).toBe(unauthenticated);
    expect(await refused('-i', 'x', '-c', '2')).toBe(unauthenticated);
    expect(await refused('-i', 'y')).toContain('/lockex: no rights (ACL)');
    const stranger = await openSession(sharedServer(), chroot);
    for (const path of ['/lockex/x', '/lockex']) {
      await expect(stranger.getChildren(path)).rejects.toMatchObject({ code: 'NO_AUTH' });
    }
    const looked = await runLockex(['status', '-z', hosts]);
    expect(looked).toMatchObject({ status: 125, stdout: '' });
    expect(looked.stderr).toBe('lockex: /lockex: no rights (ACL) (no --auth-file was given)\n');
    const seen = await runLockex(['status', '-z', hosts, '--auth-file', alice, 'x']);
    expect(seen).toMatchObject({ status: 0, stderr: '' });

    holder.signal('SIGTERM');
    expect((await second.ended).stdout).toBe('up\n');
  });

  it.each([['-c', '2'], ['--shared'], ['--once-per', '1h'], ['-p', 'deep/er']])(
    'acquires a lock with %s %s',
    async (...option) => {
      const args = ['-z', hosts, '-i', 'x', ...option.filter((arg) => arg !== '')];
      const run = await runLockex([...args, '--auth-file', alice, '--', 'echo up; exit 0']);
      expect(run).toMatchObject({ status: 0, stdout: 'up\n' });
      expect((await runLockex([...args, '--', 'echo up'])).status).toBe(125);
    },
  );

  it('shares a lock with an authenticated kazoo', async () => {
    const kazoo = await startKazoo(hosts, 10, `alice:${PASSWORD}`);
    const lock = await kazoo.lock('/lockex/x');
    expect(await lock.acquire()).toBe(true);
    const waiting = startLockex(['-z', hosts, '-i', 'x', '--auth-file', alice, '--', 'sleep 600']);
    await untilQueued(waiting);
    const next = lock.release().then(() => lock.acquire());
    await untilState(waiting, 'running');
    waiting.signal('SIGTERM');
    expect(await next).toBe(true);
  });

  it('may create nodes with any ACL', async () => {
    const run = (...args: string[]) =>
      runLockex(['-z', hosts, '-q', ...args, '--', 'echo up'], {
        env: { LOCKEX_AUTH: `alice:${PASSWORD}` },
      });
    expect(await run('-i', 'x', '-p', 'open', '--acl', 'open')).toMatchObject({ status: 0 });
    expect((await runLockex(['-z', hosts, '-p', 'open', '-i', 'x', '--', 'true'])).status).toBe(0);
    const list = 'auth::cdrwa,world:anyone:r';
    expect(await run('-i', 'x', '-p', 'read', '--acl', list)).toMatchObject({ status: 0 });
    const looked = await runLockex(['status', '-z', hosts, '-p', 'read']);
    expect(looked).toMatchObject({ status: 1, stdout: 'x: free\n' });
    expect(await refused('-i', 'x', '-p', 'read')).toContain('/read/x: no rights (ACL)');
  });

  it('waits for a contender whose node it must not read', async () => {
    await runLockex(['-z', hosts, '-i', 'x', '--', 'true']);
    const bob = { auth: { kind: 'file', path: fileWith('bob:b') }, acl: CREATOR_ACL } as const;
    const session = await openSession(sharedServer(), chroot, bob);
    const { path } = await session.create('/lockex/x/0__lock__', Buffer.alloc(0), { mode: 3 });
    const waiting = startLockex(['-z', hosts, '-i', 'x', '--', 'echo up']);
    await untilQueued(waiting);
    await session.remove(path);
    expect((await waiting.ended).stdout).toBe('up\n');
  });

  it('is refused if its ACL prevents it from reading its own node', async () => {
    expect(await refused('-i', 'x', '--acl', 'world:anyone:cda')).toContain('no rights (ACL)');
  });
});

describe('a file with a password', () => {
  it.each([
    ['that others can read', () => fileWith('a:b', 0o644), 'can be read by others (mode 644)'],
    ['that the group can read', () => fileWith('a:b', 0o640), 'can be read by others (mode 640)'],
    ['without a password', () => fileWith('alice'), 'must be one line, user:password'],
    ['of two lines', () => fileWith('a:b\nc:d'), 'must be one line, user:password'],
    ['that is empty', () => fileWith(''), 'must be one line, user:password'],
    ['that is not there', () => `${directory}/none`, "can't be read: no such file"],
    ['that others can write', () => fileWith('a:b', 0o602), 'can be written by others (mode 602)'],
    ['that is a directory', () => directory, 'is not a regular file'],
    ['that is a pipe', pipe, 'is not a regular file'],
  ])('%s is refused in one line, before anything is done', async (_, make, message) => {
    const file = make();
    const { status, stderr } = await runLockex(['-z', hosts, '--auth-file', file, '--', 'true']);
    expect({ status, stderr: stderr.replace(/: run chmod.*/, '') }).toEqual({
      status: 2,
      stderr: `lockex: ${file} ${message}\n`,
    });
  });

  it('must contain user:password; its text is never printed', async () => {
    const env = { LOCKEX_AUTH: PASSWORD };
    expect(await runLockex(['-z', hosts, '--', 'true'], { env })).toMatchObject({
      status: 2,
      stderr: 'lockex: LOCKEX_AUTH must be one line, user:password\n',
    });
  });
});

function pipe(): string {
  const file = `${directory}/pipe`;
  execFileSync('mkfifo', ['-m', '600', file]);
  return file;
}

describe('the password', () => {
  it('is not in the environment of the command or a hook, nor in a log, a trace or lockex config', async () => {
    const env = { LOCKEX_AUTH: `alice:${PASSWORD}`, LOCKEX_TRACE: `${directory}/trace` };
    const hook = `env >>${directory}/hook`;
    const args = ['-z', hosts, '-v', '--log-format', 'json', '--on-state', hook];
    const { status, stdout, stderr } = await runLockex([...args, '--', 'env; exit 3'], { env });
    expect(status).toBe(3);
    const output = `${stdout}${stderr}${contentOf(`${directory}/hook`)}${contentOf(`${directory}/trace`)}`;
    for (const seen of ['LOCKEX_HELD_', 'lock.confirmed', 'LOCKEX_STATE'])
      expect(output).toContain(seen);
    expect(output).not.toContain(PASSWORD);
    const config = await runLockex(['config'], { env });
    expect(config.stdout).toMatch(/auth-file +hidden {2}\(LOCKEX_AUTH\)/);
    expect(config.stdout).not.toContain(PASSWORD);
  });

  it('does not stay in memory: core dumps of status and of a holder do not contain it', async () => {
    const holder = startLockex(['-z', hosts, '-i', 'x', '--auth-file', alice, '--', 'sleep 600']);
    await untilState(holder, 'running');
    const args = ['status', '--watch', '-z', hosts, '--auth-file', alice, 'x'];
    const status = startLockex(args, { bare: true });
    await status.line(/held/);
    for (const { pid } of [holder, status]) {
      expect(memoryHas(pid ?? 0, 'LOCKEX'), 'the memory can be looked at').toBe(true);
      expect(memoryHas(pid ?? 0, PASSWORD)).toBe(false);
    }
    status.signal('SIGTERM');
    await status.ended;
  });
});

/** The content of a core dump: /proc/PID/mem, proc(5). */
function memoryHas(pid: number, text: string): boolean {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8')
      .split('\n')
      .filter((line) => / r/.test(line) && !/\[v/.test(line))
      .some((line) => {
        const [from = 0, to = 0] = (line.split(' ')[0] ?? '')
          .split('-')
          .map((at) => Number(`0x${at}`));
        const bytes = Buffer.alloc(to - from);
        try {
          return bytes.subarray(0, readSync(memory, bytes, 0, bytes.length, from)).includes(text);
        } catch {
          // The mapping was released meanwhile.
          return false;
        }
      });
  } finally {
    closeSync(memory);
  }
}
