/** The session timeouts of servers that are accepted, limited, and refused. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { openAccess } from '../../../../src/settings/access.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { judgeTimeout } from '../../../../src/zookeeper/session/granted-timeout.ts';
import { Session } from '../../../../src/zookeeper/session/session.ts';
import { startScriptedServer } from '../scripted-server.ts';

const MAX_INT = 2 ** 31 - 1;

it.each([
  // A server's minSessionTimeout of two ticks.
  { granted: 4000, requested: 100, kind: 'accepted', timeoutMs: 4000 },
  { granted: 30_000, requested: 30_000, kind: 'accepted', timeoutMs: 30_000 },
  { granted: 120_000, requested: 30_000, kind: 'accepted', timeoutMs: 120_000 },
  { granted: 60_000, requested: 1000, kind: 'accepted', timeoutMs: 60_000 },
  // A server's maxSessionTimeout.
  { granted: 40_000, requested: 600_000, kind: 'accepted', timeoutMs: 40_000 },
  { granted: 120_001, requested: 30_000, kind: 'limited', timeoutMs: 120_000 },
  { granted: MAX_INT, requested: 4000, kind: 'limited', timeoutMs: 60_000 },
  { granted: MAX_INT, requested: 600_000, kind: 'limited', timeoutMs: 2_400_000 },
  { granted: 99, requested: 30_000, kind: 'refused' },
  { granted: 1, requested: 100, kind: 'refused' },
  // Tests request less.
  { granted: 50, requested: 50, kind: 'accepted', timeoutMs: 50 },
])('$granted ms instead of $requested ms: $kind', ({ granted, requested, ...verdict }) => {
  expect(judgeTimeout(granted, requested)).toMatchObject(verdict);
});

describe('a session that is granted', () => {
  async function granted(timeoutMs: number) {
    const server = await startScriptedServer(async (connection) => {
      await connection.shakeHands({ timeoutMs });
    });
    const lines: string[] = [];
    const session = new Session({
      ...openAccess([{ host: '127.0.0.1', port: server.port }]),
      timeoutMs: 5000,
      clock: systemClock,
      log: (level, message) => void lines.push(`${level}: ${message}`),
    });
    onTestFinished(() => session.abandon());
    return { session, lines };
  }

  it('24 days is limited to a minute, with a warning', async () => {
    const { session, lines } = await granted(MAX_INT);
    await session.connect(20_000);
    expect(session.info.timeoutMs).toBe(60_000);
    expect(session.attached?.timeoutMs).toBe(60_000);
    expect(lines).toEqual([
      expect.stringMatching(/^warn: .* of 2147483.647 s instead of 5 s .*uses 60 s/),
    ]);
  });

  it('a millisecond refuses that server', async () => {
    const { session } = await granted(1);
    const failure = await session.connect(1000).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      failures: [{ problem: expect.stringContaining('0.001 s, too short for lockex') }],
    });
  });
});
