/** Attempts to connect: their errors, their bounds, and how they are abandoned. */
import { describe, expect, it } from 'vitest';
import { openAccess } from '../../../../src/settings/access.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { UnreachableError } from '../../../../src/zookeeper/errors.ts';
import { reap } from '../../../../src/zookeeper/reap.ts';
import { MIN_ATTEMPT_MS } from '../../../../src/zookeeper/session/attach-bounds.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';
import { sharedServer } from '../../../support/zookeeper.ts';
import { startScriptedServer } from '../scripted-server.ts';
import { failureOfConnect, made, passUntil, T } from './sessions.ts';

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
