/** Requests and watches of a session. */
import { describe, expect, it } from 'vitest';
import { CreateMode } from '../../../../src/zookeeper/client.ts';
import { actionOn } from '../../../../src/zookeeper/error-policy.ts';
import type { RequestError } from '../../../../src/zookeeper/errors.ts';
import { freshChroot, sharedServerWithChroot } from '../../../support/zookeeper.ts';
import { framed, int, long, STAT, startScriptedServer } from '../scripted-server.ts';
import { connected, made, next, through } from './sessions.ts';

/** `ZooDefs.OpCode` */
const CHECK = 13;
/** `MultiHeader`: type, done, error. */
const result = (type: number, error: number) => [int(type), Buffer.of(0), int(error)];
const END_OF_RESULTS = [int(-1), Buffer.of(1), int(-1)];

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
