/** The session at a real server, and at a scripted one for faults of servers. */
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { openAccess } from '../../../../src/settings/access.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { CreateMode } from '../../../../src/zookeeper/client.ts';
import { actionOn } from '../../../../src/zookeeper/error-policy.ts';
import { type RequestError, UnreachableError } from '../../../../src/zookeeper/errors.ts';
import { reap } from '../../../../src/zookeeper/reap.ts';
import { MIN_ATTEMPT_MS } from '../../../../src/zookeeper/session/attach-bounds.ts';
import { Session, type SessionOptions } from '../../../../src/zookeeper/session/session.ts';
import { openSocket } from '../../../../src/zookeeper/session/sockets.ts';
import { startFaultProxy } from '../../../support/fault-proxy.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';
import { freshChroot, sharedServer, sharedServerWithChroot } from '../../../support/zookeeper.ts';
import { framed, int, long, STAT, startScriptedServer } from '../scripted-server.ts';

const T = 4000;
/** `ZooDefs.OpCode` */
const CHECK = 13;
/** `MultiHeader`: type, done, error. */
const result = (type: number, error: number) => [int(type), Buffer.of(0), int(error)];
const END_OF_RESULTS = [int(-1), Buffer.of(1), int(-1)];
const open: Session[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close(1000)));
});

function made(options: Partial<SessionOptions> = {}): Session {
  const { host, port } = sharedServer();
  const session = new Session({
    ...openAccess([{ host, port }]),
    timeoutMs: T,
    clock: systemClock,
    log: () => {},
    // Hosts in the order given.
    random: () => 0.999,
    ...options,
  });
  open.push(session);
  return session;
}

async function connected(options: Partial<SessionOptions> = {}): Promise<Session> {
  const session = made(options);
  await session.connect(20_000);
  return session;
}

const next = <K extends 'attached' | 'detached' | 'expired'>(session: Session, event: K) =>
  new Promise<unknown>((resolve) => {
    session.once(event, resolve as never);
  });

/**
 * The error of `connect`. The first attempt has all the time it needs; for the others time passes
 * only by their deadlines, so that they run out of it.
 */
async function failureOfConnect(port: number): Promise<unknown> {
  const clock = new SimulatedClock();
  let failure: unknown;
  const firstRound = new Promise<void>((resolve) => {
    const session = made({ hosts: [{ host: '127.0.0.1', port }], clock, log: () => resolve() });
    session.connect(300).catch((error: unknown) => {
      failure = error;
    });
  });
  await firstRound;
  await passUntil(clock, () => failure !== undefined);
  return failure;
}

async function passUntil(clock: SimulatedClock, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    await clock.advance(10);
    // Events of sockets arrive between two turns of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function through() {
  const { host, port } = sharedServer();
  const proxy = await startFaultProxy(host, port);
  onTestFinished(() => proxy.close());
  return { proxy, hosts: [{ host: proxy.host, port: proxy.port }] };
}

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

describe('requests', () => {
  it('fail at once without a connection; nothing is queued', async () => {
    const { proxy, hosts } = await through();
    const session = await connected({ hosts });
    await proxy.refuse();
    while (session.isAttached) await next(session, 'detached');
    await expect(session.getData('/')).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
  });

  it('fail with the server’s error code', async () => {
    const { chroot } = await sharedServerWithChroot();
    const session = await connected({ chroot });
    await expect(session.getData('/none')).rejects.toMatchObject({ code: 'NO_NODE', number: -101 });
    expect(await session.exists('/none')).toBeNull();
    await session.mkdirp('/a/b');
    await expect(
      session.create('/a', Buffer.alloc(0), { mode: CreateMode.PERSISTENT }),
    ).rejects.toMatchObject({ code: 'NODE_EXISTS' });
    await expect(session.setData('/a', Buffer.alloc(0), 7)).rejects.toMatchObject({
      code: 'BAD_VERSION',
    });
    await expect(
      session.multi([{ type: 'check', path: '/a', version: 0 }]),
    ).resolves.toBeUndefined();
    await session.setData('/a', Buffer.from('1'), 0);
    await expect(session.multi([{ type: 'check', path: '/a', version: 0 }])).rejects.toMatchObject({
      code: 'BAD_VERSION',
    });
  });

  it('below a missing chroot fail with its name', async () => {
    const session = await connected({ chroot: freshChroot() });
    await expect(session.mkdirp('/a')).rejects.toThrow(/^the chroot .*no such node/);
  });

  it.each([
    ['by the header', (code: number) => [int(code)]],
    ['by a result', (code: number) => [int(0), ...result(-1, code), int(code), ...END_OF_RESULTS]],
  ])('that are answered with CONNECTIONLOSS, %s, lead to another connection', async (_, answer) => {
    const server = await startScriptedServer(async (connection) => {
      await connection.shakeHands();
      for (let frame = await connection.frame(); frame; frame = await connection.frame()) {
        const checked = [int(0), ...result(CHECK, 0), ...END_OF_RESULTS];
        const rest = connection.number === 1 ? answer(-4) : checked;
        connection.send(frame.subarray(0, 4), long(1n), ...rest);
      }
    });
    const session = await connected({ hosts: [{ host: '127.0.0.1', port: server.port }] });
    const action = await session.check('/a').then(
      () => 'answered',
      (error: RequestError) => actionOn(error, 'rejoining'),
    );
    if (action === 'reattach') session.reattach('as error-policy.ts demands');
    expect(session.isAttached).toBe(false);
    expect(await session.whenAttached(5000)).toBe(true);
    await session.check('/a');
    expect(server.connections).toHaveLength(2);
  });

  it('are all settled when thousands of answers arrive in one piece', async () => {
    const count = 5000;
    const server = await startScriptedServer(async (connection) => {
      await connection.shakeHands({ timeoutMs: 30_000 });
      const answers: Buffer[] = [];
      for (let frame = await connection.frame(); frame; frame = await connection.frame()) {
        answers.push(framed(int(frame.readInt32BE(0)), long(1n), int(0), STAT));
        if (answers.length === count) connection.socket.write(Buffer.concat(answers));
      }
    });
    const session = await connected({
      hosts: [{ host: '127.0.0.1', port: server.port }],
      timeoutMs: 30_000,
    });
    const all = Array.from({ length: count }, () => session.exists('/'));
    expect(await Promise.all(all)).toHaveLength(count);
  });

  it.each([
    ['negative', int(-7)],
    ['too large', int(0x7fffffff)],
  ])('a frame with a length that is %s ends the connection, not the process', async (_, length) => {
    const server = await startScriptedServer(async (connection) => {
      await connection.shakeHands();
      if (connection.number === 1) connection.socket.write(length);
    });
    const session = made({ hosts: [{ host: '127.0.0.1', port: server.port }] });
    const detached = next(session, 'detached');
    await session.connect(20_000);
    expect(await detached).toMatchObject({ reason: expect.stringMatching(/a frame of/) });
    await next(session, 'attached');
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

describe('a request for the end that is never answered', () => {
  it('is bounded, and sent once', async () => {
    let asked = 0;
    const server = await startScriptedServer(async (connection) => {
      await connection.shakeHands({ timeoutMs: 600_000 });
      while (await connection.frame()) asked += 1;
    });
    // By this clock the bound is not over yet when the timer fires.
    const now = systemClock.now();
    const session = await connected({
      hosts: [{ host: '127.0.0.1', port: server.port }],
      timeoutMs: 600_000,
      clock: { ...systemClock, now: () => now },
    });
    // Without the bound, it would be the read deadline of 400 s.
    expect(await session.close(200)).toBe(false);
    expect(asked).toBe(1);
  });
});

describe('a request for the end behind another request', () => {
  it('is sent before the other is answered, and both are answered in order', async () => {
    const { chroot } = await sharedServerWithChroot();
    const [one, other] = [await connected({ chroot }), await connected({ chroot })];
    const data = Buffer.from('x');
    const { path } = await one.create('/e', data, { mode: CreateMode.EPHEMERAL });
    const removal = one.remove(path);
    one.askForEnd(10_000);
    await removal;
    expect(await one.close(10_000)).toBe(true);
    expect(one.hasEnded).toBe(true);
    expect(await other.exists('/e')).toBeNull();
  });

  it('is confirmed although its answer is lost, and is not reported as expired', async () => {
    let connections = 0;
    const server = await startScriptedServer(async (connection) => {
      connections += 1;
      // A session timeout of 0: there is no such session.
      await connection.shakeHands({ timeoutMs: connections === 1 ? T : 0 });
      for (let frames = 0; frames < 2; frames += 1) await connection.frame();
      connection.socket.destroy();
    });
    const session = await connected({ hosts: [{ host: '127.0.0.1', port: server.port }] });
    let isLost = false;
    session.once('expired', () => {
      isLost = true;
    });
    const removal = session.remove('/e');
    session.askForEnd(10_000);
    await expect(removal).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
    expect(await session.close(10_000)).toBe(true);
    expect(session.hasEnded).toBe(true);
    expect(isLost).toBe(false);
    expect(connections).toBe(2);
  });

  it('is repeated if the session still exists', async () => {
    let connections = 0;
    const server = await startScriptedServer(async (connection) => {
      connections += 1;
      await connection.shakeHands({ timeoutMs: T });
      const frame = await connection.frame();
      if (connections === 1) connection.socket.destroy();
      else if (frame) connection.answer(frame.readInt32BE(0));
    });
    const session = await connected({ hosts: [{ host: '127.0.0.1', port: server.port }] });
    session.askForEnd(10_000);
    expect(await session.close(10_000)).toBe(true);
    expect(connections).toBe(2);
  });
});

describe('watches', () => {
  it('are called once, for a change after they were set', async () => {
    const { chroot } = await sharedServerWithChroot();
    const [one, other] = [await connected({ chroot }), await connected({ chroot })];
    await one.mkdirp('/w');
    let calls = 0;
    const called = new Promise<void>((resolve) => {
      void one.getData('/w', () => {
        calls += 1;
        resolve();
      });
    });
    await one.exists('/w');
    await other.setData('/w', Buffer.from('1'), -1);
    await called;
    await other.setData('/w', Buffer.from('2'), -1);
    await one.getData('/w');
    expect(calls).toBe(1);
  });

  it('end with their connection', async () => {
    const { chroot } = await sharedServerWithChroot();
    const { proxy, hosts } = await through();
    const [one, other] = [await connected({ chroot, hosts }), await connected({ chroot })];
    await one.mkdirp('/w');
    let calls = 0;
    await one.getData('/w', () => {
      calls += 1;
    });
    const attached = next(one, 'attached');
    proxy.reset();
    await attached;
    await other.setData('/w', Buffer.from('1'), -1);
    await one.check('/w');
    await one.getData('/w');
    expect(calls).toBe(0);
  });
});

describe('an attempt to connect', () => {
  it('reports each host with its problem', async () => {
    const mute = await startScriptedServer(() => {});
    const closing = await startScriptedServer(async (connection) => {
      await connection.frame();
      connection.socket.end();
    });
    const hosts = [1, mute.port, closing.port].map((port) => ({ host: '127.0.0.1', port }));
    const failure = await made({ hosts, timeoutMs: 2000 })
      .connect(3000)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UnreachableError);
    const problems = Object.fromEntries(
      (failure as UnreachableError).failures.map(({ host, problem }) => [host, problem]),
    );
    expect(problems['127.0.0.1:1']).toBe('connection refused');
    expect(problems[`127.0.0.1:${mute.port}`]).toMatch(/no answer to the handshake/);
    expect(problems[`127.0.0.1:${closing.port}`]).toMatch(/instead of answering the handshake/);
  });

  it.each([51, 170, 300, 301.7, 4000])(
    'of %s ms starts no attempt at a server that would only run out of time',
    async (boundMs) => {
      for (let random = 0.0005; random < 1; random += 0.05) {
        const clock = new SimulatedClock();
        const until = clock.now() + boundMs;
        const leftMs: number[] = [];
        let failure: unknown;
        const session = made({
          ...openAccess([1, 2].map((port) => ({ host: '127.0.0.1', port }))),
          clock,
          random: () => random,
          openSocket: () => {
            leftMs.push(until - clock.now());
            throw new Error('no route');
          },
        });
        session.connect(boundMs).catch((error: unknown) => {
          failure = error;
        });
        await passUntil(clock, () => failure !== undefined);
        expect(leftMs[0]).toBeCloseTo(boundMs);
        expect(Math.min(...leftMs)).toBeGreaterThanOrEqual(MIN_ATTEMPT_MS);
        expect(clock.now()).toBeLessThan(until + 10);
      }
    },
  );

  it('reports the error of a server instead of a later attempt that ran out of time', async () => {
    const { port } = await startScriptedServer(async (connection) => {
      if (connection.number > 1) return;
      await connection.frame();
      connection.socket.end();
    });
    const failure = await failureOfConnect(port);
    expect(failure).toMatchObject({
      failures: [{ problem: expect.stringContaining('instead of answering the handshake') }],
    });
  });

  it('can be abandoned: nothing is reported any more, and no timer is left', async () => {
    const mute = await startScriptedServer(() => {});
    const session = made({ hosts: [{ host: '127.0.0.1', port: mute.port }] });
    const connecting = session.connect(600_000);
    session.abandon();
    await expect(connecting).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
    expect(await session.whenAttached(1)).toBe(false);
  });

  it('without a server has no session to close, and close() resolves at once', async () => {
    const session = made({ hosts: [{ host: '127.0.0.1', port: 1 }] });
    const connecting = session.connect(600_000);
    connecting.catch(() => {});
    // Longer than this test may take.
    expect(await session.close(600_000)).toBe(true);
    await expect(connecting).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
  });

  it('with a handshake not yet answered delays close(): the session may exist', async () => {
    let heard = () => {};
    const asked = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const slow = await startScriptedServer(async (connection) => {
      await connection.frame();
      heard();
    });
    const session = made({ hosts: [{ host: '127.0.0.1', port: slow.port }] });
    const connecting = session.connect(600_000);
    connecting.catch(() => {});
    await asked;
    const closing = session.close(600_000);
    const first = await Promise.race([closing, new Promise((resolve) => setImmediate(resolve))]);
    expect(first).toBeUndefined();
    session.abandon();
    await closing;
  });

  it('of the reaper never creates a session', async () => {
    const { host, port } = sharedServer();
    const credentials = { id: Buffer.alloc(8, 1), password: Buffer.alloc(16, 1) };
    // Unknown to the server: the session is over, as wanted.
    const access = openAccess([{ host, port }]);
    expect(await reap({ access, timeoutMs: T, credentials }, systemClock)).toBe(true);
  });
});
