/**
 * All descriptors of lockex are in use: what the command has left behind is still seen. The fault is
 * made by a low limit and by idle connections to the inspector.
 */
import { execFileSync } from 'node:child_process';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAlive, startProgram } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { contentOf, logOf, PROGRAM, temporaryFolder, userEnvironment } from './program.ts';

const LIMIT = 100;
const CONNECTIONS = 350;

function connect(port: number): void {
  const socket = createConnection(port, '127.0.0.1');
  // lockex refuses those for which it has no descriptor.
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
}

describe('with all descriptors in use', () => {
  it('the lock is kept until what the command has left is dead, and then released', async () => {
    const { connectString } = await sharedServerWithChroot();
    const folder = temporaryFolder();
    const [left, go] = [join(folder, 'left'), join(folder, 'go')];
    execFileSync('mkfifo', [go]);
    const line = `setsid sh -c 'trap "" TERM; echo $$ >${left}; sleep 100; sleep 100' & read go <${go}`;
    const words = ['--log-format', 'json', '-z', connectString, '-T', '20', '--inspect=0'];
    const lockex = startProgram(
      'prlimit',
      [`--nofile=${LIMIT}`, PROGRAM, ...words, '--kill-after', '2', '--', line],
      { env: userEnvironment() },
    );
    const address = await lockex.line(/http:\/\/127\.0\.0\.1:\d+/, 'stderr');
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(address)?.[1]);
    await until(() => contentOf(left).endsWith('\n'), 'the process that is left');
    const pid = Number(contentOf(left));
    for (let made = 0; made < CONNECTIONS; made += 1) connect(port);
    await until(() => openFilesOf(lockex.pid ?? 0) >= LIMIT - 10, 'the shortage');
    execFileSync('sh', ['-c', `echo go >${go}`]);
    const { stderr } = await lockex.ended;
    expect(await isAlive(pid)).toBe(false);
    // Seen and stopped by lockex, not by what outlives it.
    expect(stderr).toMatch(new RegExp(`left processes behind.*sh\\[${pid}\\]`));
    const states = logOf({ stderr }).map(({ state }) => state);
    expect(states).not.toContain('lost');
    expect(states).toContain('done');
  });
});

function openFilesOf(pid: number): number {
  return execFileSync('ls', [`/proc/${pid}/fd`], { encoding: 'utf8' })
    .trim()
    .split('\n').length;
}
