/** `lockex status` as users and scripts run it, compared with kazoo's view. */
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { CreateMode } from '../../src/zookeeper/client.ts';
import { bytes, int, STAT, startScriptedServer } from '../src/zookeeper/scripted-server.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { startKazoo } from '../support/kazoo.ts';
import { startProgram } from '../support/processes.ts';
import { openSession } from '../support/session.ts';
import { childrenOf, sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';
import {
  PROGRAM,
  runLockex,
  startLockex,
  untilQueued,
  untilState,
  userEnvironment,
} from './program.ts';

/** `KeeperException.Code.BADARGUMENTS`. */
const BAD_ARGUMENTS = -8;

let hosts: string;
let chroot: string;
beforeEach(async () => {
  ({ connectString: hosts, chroot } = await sharedServerWithChroot());
});

const status = (...args: string[]) => runLockex(['status', '-z', hosts, ...args]);

async function views(...args: string[]) {
  const { stdout } = await status('--json', ...args);
  return JSON.parse(stdout);
}

it('shows holder and waiters, and exits with 0 while at least one lock is held', async () => {
  const holder = startLockex(['-z', hosts, '-i', 'web', '--', 'sleep', '600']);
  await untilState(holder, 'running');
  const waiter = startLockex(['-z', hosts, '-i', 'web', '--', 'sleep', '600']);
  await untilQueued(waiter);
  const { status: exit, stdout, stderr } = await status('web', 'other');
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  expect(stdout).toMatch(
    /^web: held, 1 waiting\n.*\n {2}holds .*sleep.*\n {2}1\. .*sleep.*\n\nother: free\n$/,
  );
  expect(await views()).toMatchObject([
    {
      id: 'web',
      path: '/lockex/web',
      holders: [{ by: 'lockex', pid: holder.pid, command: 'sleep' }],
      waiters: [{ by: 'lockex', pid: waiter.pid, fencingToken: null }],
    },
  ]);
});

it('creates no nodes, and reports that there are no locks', async () => {
  const [all, one] = [await status(), await status('web')];
  expect(all).toMatchObject({ status: 1, stdout: `no locks under ${chroot}/lockex\n`, stderr: '' });
  expect(one).toMatchObject({ status: 1, stdout: 'web: free\n', stderr: '' });
  const { host, port } = sharedServer();
  expect(await childrenOf({ host, port, path: chroot })).toEqual([]);
});

it.each([[], ['web'], ['--watch']])('reports a missing chroot: %j', async (...args) => {
  const { connectString } = sharedServer();
  const nowhere = `${connectString}/no/where`;
  expect(await runLockex(['status', '-z', nowhere, ...args])).toMatchObject({
    status: 125,
    stdout: '',
    stderr: 'lockex: the chroot /no/where does not exist\n',
  });
});

describe('agrees with kazoo', () => {
  it('about a lock', async () => {
    const kazoo = await startKazoo(hosts);
    const lock = await kazoo.lock('/lockex/web', 'the python side');
    await lock.acquire();
    const waiter = startLockex(['-z', hosts, '-i', 'web', '--', 'true']);
    await untilQueued(waiter);
    const [view] = await views('web');
    expect(view.holders).toMatchObject([{ by: 'kazoo', says: 'the python side', host: null }]);
    const [first, second = ''] = await lock.contenders();
    expect(first).toBe('the python side');
    expect(view.waiters).toMatchObject([{ pid: JSON.parse(second).pid }]);
    await lock.release();
  });

  it('about a shared lock', async () => {
    const kazoo = await startKazoo(hosts);
    const readers = [
      await kazoo.readLock('/lockex/web', 'one'),
      await kazoo.readLock('/lockex/web', 'two'),
    ];
    for (const reader of readers) await reader.acquire();
    const [view] = await views('web');
    expect(view.holders).toMatchObject([
      { says: 'one', shared: true },
      { says: 'two', shared: true },
    ]);
    expect((await status('web')).stdout).toMatch(/^web: held, shared by 2\n/);
  });

  it('about a semaphore, and does not show its inner lock', async () => {
    const kazoo = await startKazoo(hosts);
    const semaphore = await kazoo.semaphore('/lockex/pool', 2, 'the python side');
    await semaphore.acquire();
    const args = ['-z', hosts, '-i', 'pool', '-c', '2', '--', 'sleep', '600'];
    const holder = startLockex(args);
    await untilState(holder, 'running');
    const waiter = startLockex(args);
    await untilQueued(waiter);
    const all = await views();
    expect(all).toMatchObject([
      { id: 'pool', kind: 'semaphore', permits: 2, waiters: [{ pid: waiter.pid }] },
    ]);
    expect(await semaphore.leaseHolders()).toHaveLength(2);
    expect(all[0].holders).toMatchObject([{ says: 'the python side' }, { pid: holder.pid }]);
    expect((await status()).stdout).toMatch(/^pool: semaphore, 2 of 2 held, 1 waiting\n/);
  });
});

it('shows a contender of Curator, and escapes its data', async () => {
  const admin = await openSession(sharedServer(), chroot);
  await admin.mkdirp('/lockex/web');
  const data = Buffer.from('\u001b[2Jevil\r\n');
  const name = '/lockex/web/_c_1b9c7a3e-lock-0000000000';
  await admin.create(name, data, { mode: CreateMode.EPHEMERAL });
  const { status: exit, stdout } = await status();
  expect(exit).toBe(0);
  expect(stdout).toMatch(/holds .*\\u\{1b\}\[2Jevil.*\(curator\)/);
  expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(await views()).toMatchObject([{ holders: [{ by: 'curator' }] }]);
});

describe('a hostile server', () => {
  /** The error output for a lock of this name, whose requests the server rejects. */
  async function errorOutputFor(name: string): Promise<string> {
    const { port } = await startScriptedServer(async (connection) => {
      await connection.shakeHands();
      for (let frame = await connection.frame(); frame; frame = await connection.frame()) {
        const [xid, type] = [frame.readInt32BE(0), frame.readInt32BE(4)];
        // OpCode.getChildren2 of the parent of all locks.
        const isList =
          type === 12 && frame.toString('utf8', 12, 12 + frame.readInt32BE(8)) === '/lockex';
        const isEnd = type === -11;
        if (isList) connection.answer(xid, 0, int(1), bytes(Buffer.from(name)), STAT);
        else connection.answer(xid, isEnd ? 0 : BAD_ARGUMENTS);
      }
    });
    const { status: exit, stderr } = await runLockex(['status', '-z', `127.0.0.1:${port}`]);
    expect(exit).toBe(125);
    return stderr;
  }

  it('cannot write unescaped names to the terminal, also in errors', async () => {
    // ZooKeeper accepts these characters in names.
    expect(await errorOutputFor('a\u202e\u200b\u2028lockex: forged')).toBe(
      'lockex: /lockex/a\\u{202e}\\u{200b}\\u{2028}lockex: forged: ' +
        'the server rejected the request as malformed\n',
    );
  });

  it('can write neither control characters nor additional lines', async () => {
    const stderr = await errorOutputFor('a\u001b[2J\u0007\u009b\nlockex: forged');
    expect(stderr).toMatch(/^lockex: [^\p{Cc}\p{Cf}]+\n$/u);
  });
});

it('exits with 125 and names the unreachable hosts', async () => {
  const {
    status: exit,
    stdout,
    stderr,
  } = await runLockex(['status', '-z', '127.0.0.1:1', '-T', '1']);
  expect({ exit, stdout }).toEqual({ exit: 125, stdout: '' });
  expect(stderr).toBe(
    'lockex: 127.0.0.1:1: connection refused\nlockex: could not reach ZooKeeper\n',
  );
});

it.each([
  [['--jsn'], "unknown option '--jsn': did you mean --json?"],
  [['-c', '2'], "unknown option '-c': see 'lockex --help'"],
  [['a/b'], "LOCKID expects a lock name: 'a/b' contains a slash (use -p for the path)"],
  [
    ['x-__lock__'],
    "LOCKID expects a lock name: 'x-__lock__' ends with -__lock__, which is reserved",
  ],
])('refuses %j in one line', async (args, message) => {
  expect(await status(...args)).toMatchObject({ status: 2, stderr: `lockex: ${message}\n` });
});

it('is the name of a program after --', async () => {
  const { status: exit, stderr } = await runLockex(['-z', hosts, '-q', '--', 'status', 'x']);
  expect(exit).toBe(127);
  expect(stderr).toContain('status');
});

describe('--watch', () => {
  const watch = (...args: string[]) =>
    startProgram(PROGRAM, ['status', '-z', hosts, '--watch', '--json', ...args], {
      env: userEnvironment(),
    });

  it('shows each change, from the first contender to the last', async () => {
    const watcher = watch('web');
    await watcher.line(/"holders":\[\]/);
    const holder = startLockex(['-z', hosts, '-i', 'web', '--', 'sleep', '600']);
    await watcher.line(/"holders":\[\{/);
    const waiter = startLockex(['-z', hosts, '-i', 'web', '--', 'sleep', '600']);
    await watcher.line(/"waiters":\[\{/);
    holder.signal('SIGTERM');
    await watcher.line(new RegExp(`"holders":\\[\\{[^}]*"pid":${waiter.pid}`));
    watcher.signal('SIGINT');
    expect((await watcher.ended).status).toBe(130);
  });

  it('shows locks that are created later, also after a reset of the connection', async () => {
    const { host, port } = sharedServer();
    const proxy = await startFaultProxy(host, port);
    onTestFinished(() => proxy.close());
    const args = ['status', '-z', `${proxy.connectString}${chroot}`, '--watch', '--json'];
    const watcher = startProgram(PROGRAM, args, { env: userEnvironment() });
    await watcher.line(/^\[\]$/);
    const before = proxy.counters.accepted;
    proxy.reset();
    await proxy.until(() => proxy.counters.accepted > before);
    const holder = startLockex(['-z', hosts, '-i', 'late', '--', 'sleep', '600']);
    await watcher.line(/"id":"late".*"holders":\[\{/);
    holder.signal('SIGTERM');
    await watcher.line(/"id":"late".*"holders":\[\]/);
    watcher.signal('SIGTERM');
    expect((await watcher.ended).status).toBe(143);
  });

  it('redraws in place on a terminal', async () => {
    const command = [PROGRAM, 'status', '-z', hosts, '--watch', 'web'].join(' ');
    const terminal = startProgram('script', ['-qefc', command, '/dev/null'], {
      env: userEnvironment({ TERM: 'xterm' }),
    });
    await terminal.line(/web: free/);
    const holder = startLockex(['-z', hosts, '-i', 'web', '--', 'sleep', '600']);
    await terminal.line(/holds/);
    expect(terminal.stdout).toContain('\u001b[1A');
    holder.signal('SIGTERM');
    terminal.signal('SIGTERM');
  });
});
