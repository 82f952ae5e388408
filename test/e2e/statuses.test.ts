/** All exit statuses of the table in the README, as a shell sees them. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { runLockex, startLockex, temporaryDirectory, untilQueued, untilState } from './program.ts';

let hosts: string;
beforeEach(async () => {
  hosts = (await sharedServerWithChroot()).connectString;
});

const lockex = (...args: string[]) => runLockex(['-z', hosts, ...args]);

/** A contender that holds `-i held` until it is stopped. */
async function holding(...options: string[]) {
  const holder = startLockex(['-z', hosts, '-i', 'held', ...options, '--', 'sleep', '600']);
  await untilState(holder, 'running');
  return holder;
}

describe('the command’s own status', () => {
  it.each([0, 1, 2, 7, 124, 125, 127, 255])('is passed on: %i', async (status) => {
    expect((await lockex('--', 'sh', '-c', `exit ${status}`)).status).toBe(status);
  });

  it('is 128+n if signal n killed it', async () => {
    expect((await lockex('--', 'sh', '-c', 'kill -SEGV $$')).status).toBe(139);
    expect((await lockex('--', 'sh', '-c', 'kill -KILL $$')).status).toBe(137);
  });

  it('is passed on after a stop on request', async () => {
    const program = startLockex([
      '-z',
      hosts,
      '--',
      "trap 'exit 9' TERM; echo up; while :; do sleep 0.1; done",
    ]);
    await program.line(/^up$/);
    program.signal('SIGTERM');
    expect((await program.ended).status).toBe(9);
  });
});

describe('the shell', () => {
  it('gets a single argument as a command line', async () => {
    const { stdout, status } = await lockex('--', 'echo one && echo two; exit 3');
    expect({ stdout, status }).toEqual({ stdout: 'one\ntwo\n', status: 3 });
  });

  it('does not get several arguments: they are executed directly', async () => {
    const args = ['a b', '$HOME', '', '"', "it's", '-n', '*', 'new\nline'];
    const { stdout } = await lockex('--', 'printf', '[%s]', ...args);
    expect(stdout).toBe(args.map((arg) => `[${arg}]`).join(''));
  });

  it('gets all arguments, joined with spaces, with --shell', async () => {
    expect((await lockex('--shell', '--', 'echo', 'a', '&&', 'echo', 'b')).stdout).toBe('a\nb\n');
  });
});

describe('1, or the value of -E', () => {
  it('if the lock is held, with --no-blocking', async () => {
    await holding();
    expect((await lockex('-i', 'held', '--no-blocking', '--', 'true')).status).toBe(1);
    expect((await lockex('-i', 'held', '-t', '0', '-E', '99', '--', 'true')).status).toBe(99);
  });

  it('if -t is exceeded', async () => {
    await holding();
    const { status, stderr, stdout } = await lockex('-i', 'held', '-t', '0.3', '--', 'echo ran');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('(sleep)');
  });

  it('if all permits of a semaphore are held, with --no-blocking', async () => {
    await holding('-c', '2');
    await holding('-c', '2');
    expect((await lockex('-i', 'held', '-c', '2', '--no-blocking', '--', 'true')).status).toBe(1);
  });

  it('leaves no node behind', async () => {
    const holder = await holding();
    await lockex('-i', 'held', '--no-blocking', '--', 'true');
    const waiter = startLockex(['-z', hosts, '-i', 'held', '--', 'true']);
    expect(await untilQueued(waiter)).toMatchObject({ queue: { position: 1 } });
    holder.signal('SIGTERM');
    expect((await waiter.ended).status).toBe(0);
  });
});

describe('2', () => {
  it.each([
    [['-c', '1.5', '--', 'true'], '-c/--concurrent'],
    [['-c', '0', '--', 'true'], '-c/--concurrent'],
    [['-t', 'soon', '--', 'true'], '-t/--locktimeout'],
    [['-t', '5', '--no-blocking', '--', 'true'], '--no-blocking'],
    [['-i', 'a/b', '--', 'true'], '-i/--lockid'],
    [['-i', '..', '--', 'true'], '-i/--lockid'],
    [['-i', 'x-__lock__', '--', 'true'], '-i/--lockid'],
    [['-z', 'a:b', '--', 'true'], '-z/--zkhosts'],
    [['--nonsense', '--', 'true'], '--nonsense'],
    [['--'], 'no command'],
    [['--', ''], 'empty'],
    [[], 'no command'],
  ])('for %j, with one line that names what is wrong', async (args, named) => {
    const { status, stderr, stdout } = await runLockex(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^lockex: [^\n]+\n$/);
    expect(stderr).toContain(named);
  });

  it('for an invalid ZKHOSTS, which it names', async () => {
    const { status, stderr } = await runLockex(['--', 'true'], { env: { ZKHOSTS: 'a:x' } });
    expect(status).toBe(2);
    expect(stderr).toContain('ZKHOSTS');
  });
});

describe('125', () => {
  it('if no server is reachable, with one line per host', async () => {
    const args = ['-z', '127.0.0.1:1,no-such-host.invalid:2181', '-T', '1', '-R', '2'];
    const { status, stderr } = await runLockex([...args, '--', 'true']);
    expect(status).toBe(125);
    expect(stderr).toMatch(/127\.0\.0\.1:1: connection refused/);
    expect(stderr).toMatch(/no-such-host\.invalid:2181: (no such host|the name could not)/);
    expect(stderr).not.toContain('    at ');
  });

  it('if the other contenders use another N, with both numbers', async () => {
    await holding('-c', '2');
    const { status, stderr } = await lockex('-i', 'held', '-c', '3', '--', 'true');
    expect(status).toBe(125);
    expect(stderr).toMatch(/semaphore of 2, not 3/);
  });

  it('for a lock where there is a semaphore, and vice versa', async () => {
    await holding('-c', '2');
    const lock = await lockex('-i', 'held', '--', 'true');
    expect(lock.status).toBe(125);
    expect(lock.stderr).toMatch(/semaphore of 2/);
    const plain = startLockex(['-z', hosts, '-i', 'plain', '--', 'sleep', '600']);
    await untilState(plain, 'running');
    const semaphore = await lockex('-i', 'plain', '-c', '2', '--', 'true');
    expect(semaphore.status).toBe(125);
    expect(semaphore.stderr).toMatch(/plain lock/);
  });

  it('if the chroot does not exist', async () => {
    const { status, stderr } = await runLockex(['-z', `${hosts}/missing`, '--', 'true']);
    expect(status).toBe(125);
    expect(stderr).toMatch(/chroot .*missing/);
  });
});

describe('126 and 127', () => {
  it('report that the command was not found', async () => {
    const { status, stderr } = await lockex('--', 'no-such-program', 'x');
    expect(status).toBe(127);
    expect(stderr).toMatch(/no-such-program: command not found/);
  });

  it('report that the command cannot be executed', async () => {
    const file = join(temporaryDirectory(), 'plain-file');
    writeFileSync(file, 'no program\n');
    chmodSync(file, 0o644);
    expect((await lockex('--', file, 'x')).status).toBe(126);
    expect((await lockex('--', '/', 'x')).status).toBe(126);
  });
});

describe('128+n', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
  ] as const)('when %s ends lockex before the command has started', async (signal, status) => {
    await holding();
    const waiter = startLockex(['-z', hosts, '-i', 'held', '--', 'echo ran']);
    await untilQueued(waiter);
    waiter.signal(signal);
    expect(await waiter.ended).toMatchObject({ status, stdout: '' });
  });
});

it('a signal ends lockex immediately while it connects', async () => {
  // No host has this address, and an attempt may take ten minutes.
  const program = startLockex(['-z', '127.0.0.1:1', '-T', '600', '--', 'true']);
  await untilState(program, 'connecting');
  program.signal('SIGTERM');
  expect((await program.ended).status).toBe(143);
});

describe('--help and --version', () => {
  it('print to stdout and exit with 0', async () => {
    const help = await runLockex(['--help']);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toContain('lockex -t 1 --');
    expect(Math.max(...help.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    const version = await runLockex(['--version']);
    expect(version).toMatchObject({ status: 0, stderr: '' });
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
