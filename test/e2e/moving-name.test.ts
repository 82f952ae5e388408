/**
 * The address of a server's name changes while a lock is held. The name is in a hosts file that is
 * mounted in a mount namespace, so that only lockex sees it.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startProgram } from '../support/processes.ts';
import { sharedServer } from '../support/zookeeper.ts';
import { logOf, PROGRAM, temporaryDirectory, untilState, userEnvironment } from './program.ts';

const NAME = 'moving.test';
const UNSHARE = ['--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];
const MOUNT_AND_RUN = 'mount --bind "$1" /etc/hosts || exit 1; shift; exec "$@"';

const canMount =
  process.platform === 'linux' &&
  spawnSync('unshare', [...UNSHARE, 'sh', '-c', MOUNT_AND_RUN, 'sh', '/etc/hosts', 'true'])
    .status === 0;

/** A relay to the shared server at another loopback address. */
async function serverAt(address: string, port: number) {
  const { host, port: real } = sharedServer();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const up = connect(real, host);
    for (const [one, other] of [
      [socket, up],
      [up, socket],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy()).pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, address, resolve);
  });
  const stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(stop);
  return { port: (server.address() as AddressInfo).port, stop };
}

it.runIf(canMount)('lockex connects to the new address at once, and keeps the lock', async () => {
  const hosts = join(temporaryDirectory(), 'hosts');
  const moveTo = (address: string) => writeFileSync(hosts, `${address} ${NAME}\n`);
  const before = await serverAt('127.0.0.2', 0);
  await serverAt('127.0.0.3', before.port);
  moveTo('127.0.0.2');
  const options = ['--log-format', 'json', '-T', '30', '-i', NAME, '-z', `${NAME}:${before.port}`];
  const args = ['-c', MOUNT_AND_RUN, 'sh', hosts, PROGRAM, ...options, '--', 'sleep', '600'];
  const lockex = startProgram('unshare', [...UNSHARE, 'sh', ...args], { env: userEnvironment() });
  await untilState(lockex, 'running');
  moveTo('127.0.0.3');
  before.stop();
  await lockex.line(/"state":"running","message":"running: (?:re)?connected/, 'stderr');
  lockex.signal('SIGTERM');
  const ended = await lockex.ended;
  expect(ended.status).toBe(143);
  const states = logOf(ended).map(({ state }) => String(state));
  expect(states.filter((state) => state.startsWith('lost'))).toEqual([]);
});
