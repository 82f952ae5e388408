/** A server that does not answer at all, not even with a refusal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { startLockex } from './program.ts';

/**
 * host:port of a process that listens and is stopped: the kernel makes the connections that fit its
 * backlog, which are made here, and leaves those that come later without an answer.
 */
async function blackHole(): Promise<string> {
  const code =
    "const s = require('net').createServer();" +
    "s.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => console.log(s.address().port));";
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [port] = await once(child.stdout.setEncoding('utf8'), 'data');
  child.kill('SIGSTOP');
  for (let made = 0; made < 8; made += 1) {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
  }
  return `127.0.0.1:${Number(port)}`;
}

function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((descriptor) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${descriptor}`).startsWith('socket:');
    } catch {
      // The connection was closed meanwhile.
      return false;
    }
  }).length;
}

it.runIf(process.platform === 'linux')(
  'connection attempts that hang are abandoned, and their sockets closed',
  async () => {
    const hosts = await blackHole();
    const lockex = startLockex(['-z', hosts, '-T', '2', '-R', '9', '--', 'true']);
    // Each try consists of several attempts, with pauses between them.
    await lockex.line(/try 3 of 9/, 'stderr');
    const early = socketsOf(lockex.pid ?? 0);
    await lockex.line(/try 6 of 9/, 'stderr');
    expect(socketsOf(lockex.pid ?? 0)).toBeLessThanOrEqual(early + 1);
    lockex.signal('SIGTERM');
    expect((await lockex.ended).status).toBe(143);
  },
);
