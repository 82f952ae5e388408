/** The session at a real server, and at a scripted one for faults of servers. */
import { describe, expect, it } from 'vitest';
import { openAccess } from '../../../../src/settings/access.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { CreateMode } from '../../../../src/zookeeper/client.ts';
import { UnreachableError } from '../../../../src/zookeeper/errors.ts';
import { reap } from '../../../../src/zookeeper/reap.ts';
import { openSocket } from '../../../../src/zookeeper/session/sockets.ts';
import { sharedServer, sharedServerWithChroot } from '../../../support/zookeeper.ts';
import { int, long, startScriptedServer } from '../scripted-server.ts';
import { connected, failureOfConnect, made, next, T, through } from './sessions.ts';

describe('a session', () => {
  it('has a server, and the timeout that the server granted', async () => {
    const session = await connected({ timeoutMs: 1 });
    expect(session.info).toMatchObject({ server: sharedServer().connectString, timeoutMs: 1000 });
  });

  it('takes its ephemeral nodes with it when it is closed, at once', async () => {
    const { chroot } = await sharedServerWithChroot();
    const [one, other] = [await connected({ chroot }), await connected({ chroot })];
    const { czxid } = await one.create('/e', Buffer.from('x'), { mode: CreateMode.EPHEMERAL });
    expect(await other.exists('/e')).toMatchObject({ czxid, ephemeralOwner: one.id });
    expect(await one.close(10_000)).toBe(true);
    expect(await other.exists('/e')).toBeNull();
  });

  it('stays alive without requests, by pings', async () => {
    const session = await connected({ timeoutMs: 6000 });
    let expired = 0;
    session.on('expired', () => {
      expired += 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 7000));
    await session.check('/');
    expect(expired).toBe(0);
  });

  it.each([
    ['a failed authentication, unasked', [int(-4), long(0n), int(-115)]],
    ['an answer that loops in the library', [int(1), long(0n), int(0), int(1), int(-13)]],
  ])('moves to the next host after %s, with one line', async (_, frame) => {
    const bad = await startScriptedServer(async (connection) => {
      await connection.shakeHands({ timeoutMs: T });
      connection.send(...frame);
    });
    const good = await startScriptedServer(async (connection) => {
      await connection.shakeHands({ timeoutMs: T });
    });
    const hosts = [bad, good].map(({ port }) => ({ host: '127.0.0.1', port }));
    const lines: string[] = [];
    const session = made({ hosts, log: (_level, line) => lines.push(line) });
    const [detached, attached] = [next(session, 'detached'), next(session, 'attached')];
    await session.connect(20_000);
    await attached;
    const again = next(session, 'attached');
    expect(await detached).toMatchObject({ reason: expect.stringContaining('protocol error') });
    expect(await again).toMatchObject({ server: `127.0.0.1:${good.port}` });
    expect(lines).toEqual([]);
  });

  it('is the same after a reset, and reports both events', async () => {
    const { proxy, hosts } = await through();
    const session = await connected({ hosts, timeoutMs: 10_000 });
    const { id } = session;
    const [detached, attached] = [next(session, 'detached'), next(session, 'attached')];
    proxy.reset();
    expect(await detached).toMatchObject({ reason: expect.stringMatching(/reset|closed/) });
    expect(await attached).toMatchObject({ server: proxy.connectString });
    expect(session.id).toBe(id);
    await session.check('/');
  });

  it('that was closed by another client is reported as expired, by the server', async () => {
    const session = await connected();
    const expired = next(session, 'expired');
    const { host, port } = sharedServer();
    const credentials = session.credentials() ?? {
      id: Buffer.alloc(8),
      password: Buffer.alloc(16),
    };
    const access = openAccess([{ host, port }]);
    expect(await reap({ access, timeoutMs: T, credentials }, systemClock)).toBe(true);
    expect(await expired).toMatchObject({ by: 'server' });
    await expect(session.check('/')).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
  });

  it('that is new and refused by every server is unreachable, not expired', async () => {
    const { port } = await startScriptedServer(async (connection) => {
      await connection.shakeHands({ timeoutMs: 0, sessionId: 0n });
      connection.socket.end();
    });
    const failure = await failureOfConnect(port);
    expect(failure).toBeInstanceOf(UnreachableError);
    expect(failure).toMatchObject({
      failures: [{ problem: expect.stringContaining('refused to create a session') }],
    });
  });

  it.each([0, 15, 17, 0x7fffffff, -1])(
    'refuses a handshake with a password of %i bytes',
    async (length) => {
      const { port } = await startScriptedServer(async (connection) => {
        await connection.frame();
        connection.send(int(0), int(4000), long(7n), int(length), Buffer.alloc(16));
      });
      expect(await failureOfConnect(port)).toMatchObject({
        failures: [{ problem: expect.stringContaining('malformed') }],
      });
    },
  );

  it('at a server that sends invalid frames ends T after the last valid one', async () => {
    const { port } = await startScriptedServer(async (connection) => {
      await connection.shakeHands({ timeoutMs: 1000 });
      connection.send(int(0));
    });
    const session = made({ hosts: [{ host: '127.0.0.1', port }], timeoutMs: 1000 });
    const expired = next(session, 'expired');
    await session.connect(20_000);
    expect(await expired).toEqual({
      message: 'servers accept the session but do not answer requests',
      by: 'silence',
    });
  });

  it('tries all addresses of a name when the first server there hangs', async () => {
    const { host, port } = sharedServer();
    const silent = await startScriptedServer(() => {});
    const ways = [silent.port, port].map((each) => ({ host, port: each }));
    const tried: unknown[] = [];
    const session = made({
      hosts: [{ host: 'zk.example', port: 2181 }],
      lookup: async () => ['first', 'second'],
      openSocket: ({ address }) => {
        tried.push(address);
        return openSocket(ways[address === 'second' ? 1 : 0] ?? { host, port }, null);
      },
    });
    await session.connect(20_000);
    expect(tried).toEqual([undefined, 'first', 'second']);
    // Reported by its name.
    expect(session.info.server).toBe('zk.example:2181');
  });

  it('ends after T without anything from a server', async () => {
    const { proxy, hosts } = await through();
    const session = await connected({ hosts, timeoutMs: 1000 });
    const expired = next(session, 'expired');
    await proxy.blackhole('both');
    expect(await expired).toMatchObject({ by: 'silence' });
  });

  it('uses the granted T also if it is longer than the requested one', async () => {
    const asked: number[] = [];
    const server = await startScriptedServer(async (connection) => {
      const frame = await connection.shakeHands({ timeoutMs: 9000 });
      asked.push(frame?.readInt32BE(12) ?? 0);
      if (connection.number === 1) connection.socket.end();
    });
    const hosts = [{ host: '127.0.0.1', port: server.port }];
    const session = await connected({ hosts, timeoutMs: 1000 });
    while (asked.length < 2) await next(session, 'attached');
    expect(asked).toEqual([1000, 9000]);
  });

  it('requests the smallest T that it was granted', async () => {
    const asked: number[] = [];
    const server = await startScriptedServer(async (connection) => {
      const frame = await connection.shakeHands({
        timeoutMs: connection.number === 1 ? 3000 : 9000,
      });
      asked.push(frame?.readInt32BE(12) ?? 0);
      if (connection.number < 3) connection.socket.end();
    });
    const session = await connected({ hosts: [{ host: '127.0.0.1', port: server.port }] });
    while (asked.length < 3) await next(session, 'attached');
    expect(asked).toEqual([T, 3000, 3000]);
    expect(session.attached?.timeoutMs).toBe(9000);
  });

  it('expires when a server answers with another session', async () => {
    const server = await startScriptedServer(async (connection) => {
      await connection.shakeHands({ sessionId: BigInt(connection.number) });
      if (connection.number === 1) connection.socket.end();
    });
    const session = await connected({ hosts: [{ host: '127.0.0.1', port: server.port }] });
    expect(await next(session, 'expired')).toMatchObject({ by: 'server' });
  });
});

describe('a server that hangs up after each handshake', () => {
  it('is tried again with pauses, for T at most', async () => {
    let handshakes = 0;
    const server = await startScriptedServer(async (connection) => {
      await connection.shakeHands({ timeoutMs: 1000 });
      handshakes += 1;
      connection.socket.destroy();
    });
    const session = made({ hosts: [{ host: '127.0.0.1', port: server.port }], timeoutMs: 1000 });
    const expired = next(session, 'expired');
    await session.connect(20_000);
    expect(await expired).toEqual({
      message: 'servers accept the session but do not answer requests',
      by: 'silence',
    });
    // Each pause takes 42 to 83 ms.
    expect(handshakes).toBeLessThan(1000 / 42 + 3);
  });
});
