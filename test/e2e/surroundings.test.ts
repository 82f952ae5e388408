/** Unusual environments: ignored signals, directories, descriptors, encodings, outputs. */

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { run } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import {
  PROGRAM,
  runLockex,
  runLockexBehind,
  temporaryDirectory,
  userEnvironment,
} from './program.ts';

const isRoot = process.getuid?.() === 0;
const ONE_LINE = /^lockex: .*\n$/;

it('with a parent that ignores SIGCHLD, lockex gets the exit status of the command', async () => {
  const { connectString } = await sharedServerWithChroot();
  const under = async (args: readonly string[]) => {
    const given = ['-q', '-z', connectString, '-i', 'x', ...args];
    return await runLockexBehind("trap '' CHLD", given);
  };
  expect(await under(['--', 'exit 3'])).toMatchObject({ status: 3, stderr: '' });
  expect(await under(['--', 'kill -9 $$'])).toMatchObject({ status: 137, stderr: '' });
  const once = ['--once-per', '1h', '--skip-exit-code', '9', '--', 'true'];
  expect(await under(once)).toMatchObject({ status: 0, stderr: '' });
  expect(await under(once)).toMatchObject({ status: 9, stderr: '' });
});

it('on a terminal that has hung up, lockex passes on the status of the command', async () => {
  const { connectString } = await sharedServerWithChroot();
  const python = fileURLToPath(new URL('../support/on_lost_terminal.py', import.meta.url));
  const command = 'echo ready; while [ -t 1 ]; do sleep 0.05; done; exit 7';
  const given = [PROGRAM, '-q', '-z', connectString, '--', command];
  const { stdout } = await run('/usr/bin/python3', [python, ...given], { env: userEnvironment() });
  expect(stdout).toBe('7\n');
});

it.runIf(isRoot)('the node contains the real user, not $USER', async () => {
  const { connectString } = await sharedServerWithChroot();
  const script = `'${PROGRAM}' status -z ${connectString} --json x`;
  const given = ['-q', '-z', connectString, '-i', 'x', '--', script];
  const as = async (uid: number) => {
    const drop = `setpriv --reuid=${uid} --regid=${uid} --clear-groups`;
    const { stdout } = await runLockexBehind(`set -- ${drop} "$@"`, given, {
      env: { USER: 'forged' },
      cwd: '/',
    });
    return JSON.parse(stdout);
  };
  expect(await as(65534)).toMatchObject([{ holders: [{ user: 'nobody' }] }]);
  expect(await as(54321)).toMatchObject([{ holders: [{ user: '54321' }] }]);
});

it('in a directory that it cannot enter again, lockex runs the command', async () => {
  const { connectString } = await sharedServerWithChroot();
  // Without its capabilities, root cannot enter every directory.
  const drop = isRoot ? 'setpriv --bounding-set=-all --inh-caps=-all' : '';
  const given = ['-q', '-z', connectString, '--', 'echo', 'hi'];
  const before = `cd '${temporaryDirectory()}' && chmod 0 . && set -- ${drop} "$@"`;
  expect(await runLockexBehind(before, given)).toMatchObject({ status: 0, stdout: 'hi\n' });
});

it('in a deleted directory, lockex runs the command (and Bun exits)', async () => {
  const { connectString } = await sharedServerWithChroot();
  const given = ['-q', '-z', connectString, '--', 'echo', 'hi'];
  const directory = `${temporaryDirectory()}/gone`;
  const before = `mkdir '${directory}' && cd '${directory}' && rmdir '${directory}'`;
  const { status, stdout, stderr } = await runLockexBehind(before, given);
  if (PROGRAM.endsWith('.js')) expect({ status, stdout }).toEqual({ status: 0, stdout: 'hi\n' });
  else expect([status, stderr]).toEqual([1, expect.stringContaining('was deleted')]);
});

it.each([24, 30, 40])(
  'with %d descriptors lockex runs the command, or reports the reason',
  async (most) => {
    const { connectString } = await sharedServerWithChroot();
    const given = ['-z', connectString, '--', 'echo hi'];
    const { status, stdout, stderr } = await runLockexBehind(`ulimit -n ${most}`, given);
    expect([
      [0, 'hi\n'],
      [125, ''],
    ]).toContainEqual([status, stdout]);
    for (const line of stderr.trimEnd().split('\n')) expect(line).toMatch(/^\S+ lockex: /);
  },
);

it('refuses an argument that is not UTF-8, and warns of such a variable', async () => {
  const { connectString } = await sharedServerWithChroot();
  const runWith = async (bytes: string, args: string[]) => {
    const before = `set -- "$@" "$(printf '${bytes}')"; export ODD="$(printf '${bytes}')"`;
    return await runLockexBehind(before, ['-q', '-z', connectString, '--', ...args]);
  };
  const refused = await runWith('caf\\351', ['printf', '%s']);
  expect(refused).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(ONE_LINE) });
  expect(refused.stderr).toContain('is not valid UTF-8');
  // U+FFFD itself is as good as any.
  expect(await runWith('\\357\\277\\275', ['printf', '%s'])).toMatchObject({
    ...{ status: 0, stdout: '\ufffd', stderr: '' },
  });
  const given = ['-q', '-z', connectString, '--', 'echo hi'];
  const { status, stderr } = await runLockexBehind(`export ODD="$(printf 'a\\377')"`, given);
  expect(status).toBe(0);
  expect(stderr).toMatch(/^\S+ lockex: warn: the variable ODD is not UTF-8: .*\n$/);
});

it.each([['--help'], ['--version'], ['config'], ['status']])(
  '%s reports that its output could not be written',
  async (argument) => {
    const { connectString } = await sharedServerWithChroot();
    const env = { ZKHOSTS: connectString };
    const { status, stderr } = await runLockexBehind('exec >/dev/full', [argument], { env });
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: 'lockex: cannot write to standard output: ENOSPC\n',
    });
  },
);

it.each([
  ['/', 'EISDIR'],
  ['/nowhere/x', 'ENOENT'],
  ['PIPE', 'ENXIO'],
])('LOCKEX_TRACE=%s is refused, and the command not run', async (name, code) => {
  const { connectString } = await sharedServerWithChroot();
  const pipe = `${temporaryDirectory()}/pipe`;
  const file = name === 'PIPE' ? pipe : name;
  const before = `mkfifo '${pipe}'; export LOCKEX_TRACE='${file}'`;
  const ended = await runLockexBehind(before, ['-z', connectString, '--', 'echo hi']);
  expect(ended).toMatchObject({ status: 2, stdout: '' });
  expect(ended.stderr).toBe(`lockex: LOCKEX_TRACE: cannot write ${file}: ${code}\n`);
});

it('control characters in the name of a file are escaped', async () => {
  const args = ['--auth-file', 'a\u001b[31mb', '--', 'true'];
  const { status, stderr } = await runLockex(args);
  expect(status).toBe(2);
  expect(stderr).toMatch(ONE_LINE);
  expect(stderr).toContain('a\\u{1b}[31mb');
});
