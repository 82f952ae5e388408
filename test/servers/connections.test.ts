/** Connection factories, and the limits that a server puts on connections and requests. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../scripts/servers/loopback.ts';
import { runLockex, startLockex, untilQueued, untilState } from '../e2e/program.ts';
import { Authority } from '../support/certificates.ts';
import { type ServerOptions, startServer } from '../support/zookeeper.ts';

const FACTORY = 'org.apache.zookeeper.server';
const NIO = { serverCnxnFactory: `${FACTORY}.NIOServerCnxnFactory` };
const NETTY = { serverCnxnFactory: `${FACTORY}.NettyServerCnxnFactory` };
let authority: Authority;

beforeAll(() => {
  authority = new Authority();
});
afterAll(() => authority.remove());

async function serverWith(options: ServerOptions): Promise<string> {
  const server = await startServer(options);
  onTestFinished(() => server.stop());
  return server.connectString;
}

/** A holder is killed, and the standby acquires the lock long before the session timeout. */
async function handsOver(hosts: string, options: readonly string[] = []): Promise<void> {
  const words = ['-z', hosts, '-i', 'x', '-T', '30', ...options, '--', 'sleep 600'];
  const holder = startLockex(words);
  await untilState(holder, 'running');
  const standby = startLockex(words);
  await untilQueued(standby);
  const killedAt = performance.now();
  holder.signal('SIGKILL');
  await untilState(standby, 'running');
  expect(performance.now() - killedAt).toBeLessThan(20_000);
}

describe('a lock is handed over', () => {
  it.each([
    ['NIO', NIO],
    ['Netty', NETTY],
  ])('by a server with the %s factory', async (_, config) => {
    await handsOver(await serverWith({ config, maxSessionTimeout: 60_000 }));
  });

  it('over TLS by a server with the Netty factory', async () => {
    const port = await freePort();
    const config = authority.securePort(port, { clientAuth: 'none' });
    expect(config).toMatchObject(NETTY);
    await serverWith({ config, maxSessionTimeout: 60_000 });
    await handsOver(`localhost:${port}`, ['--tls-ca', authority.ca]);
  });
});

it('a server with the NIO factory ends if it has a TLS port', async () => {
  const port = await freePort();
  const config = { ...authority.securePort(port, { clientAuth: 'none' }), ...NIO };
  // It may serve its plain port for a moment.
  const log = await startServer({ config }).then(async (server) => {
    onTestFinished(() => server.stop());
    await expect.poll(() => server.running).toBe(false);
    return server.log();
  }, String);
  expect(log).toContain("SSL isn't supported in NIOServerCnxn");
});

it.each([
  ['NIO', NIO],
  ['Netty', NETTY],
])('a contender beyond maxClientCnxns connects when another has left (%s)', async (_, factory) => {
  const hosts = await serverWith({ config: { ...factory, maxClientCnxns: 1 } });
  // A server that is asked by srvr counts that connection as well, but only for a moment.
  const holder = startLockex(['-z', hosts, '-i', 'x', '-R', '99', '--', 'sleep 600']);
  await untilState(holder, 'running');
  const other = startLockex(['-z', hosts, '-i', 'y', '-R', '99', '--', 'echo up']);
  await other.line(/try 2 of 99/, 'stderr');
  holder.signal('SIGTERM');
  expect((await holder.ended).status).toBe(143);
  expect(await other.ended).toMatchObject({ status: 0, stdout: 'up\n' });
});

it.each([
  ['requests', ['-Dzookeeper.request_throttle_max_requests=1']],
  [
    'connections',
    [
      '-Dzookeeper.connection_throttle_tokens=3',
      '-Dzookeeper.connection_throttle_fill_time=500',
      '-Dzookeeper.connection_throttle_fill_count=1',
    ],
  ],
])('contenders of a server that throttles %s acquire the lock once each', async (_, properties) => {
  const hosts = await serverWith({ jvmArguments: properties });
  const words = ['-z', hosts, '-i', 'x', '-R', '99', '-T', '8', '--', 'echo up'];
  const all = await Promise.all(Array.from({ length: 6 }, () => runLockex(words)));
  expect(all.map(({ status, stdout }) => [status, stdout])).toEqual(all.map(() => [0, 'up\n']));
});
