/** The request that closes a session. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/util/clock.ts';
import { CreateMode } from '../../../../src/zookeeper/client.ts';
import { sharedServerWithChroot } from '../../../support/zookeeper.ts';
import { startScriptedServer } from '../scripted-server.ts';
import { connected, T } from './sessions.ts';

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
