/** When the lease keeper renews, asks for another proof, and reports the end. */
import { describe, expect, it } from 'vitest';
import { holding, T } from './keeper.ts';

describe('while the leader confirms', () => {
  it('the lease is renewed again and again, with a third of T to spare', async () => {
    const { clock, keeper, others } = holding();
    let worst = Number.POSITIVE_INFINITY;
    for (let time = 0; time < 20 * T; time += 500) {
      await clock.advance(500);
      worst = Math.min(worst, keeper.lease.stopAt - clock.now());
    }
    expect(others()).toEqual([]);
    expect(worst).toBeGreaterThan(0.3 * T);
  });

  it('sends no more than two requests in T/6, one upon the answer to the other', async () => {
    const { clock, server } = holding();
    await clock.advance(10 * T);
    expect(server.asked).toBeLessThanOrEqual(120);
  });

  it('one slow answer does not require another proof', async () => {
    const { clock, server, others } = holding();
    await clock.advance(T);
    server.latencyMs = 2500;
    await clock.advance(T / 6);
    server.latencyMs = 5;
    await clock.advance(T);
    expect(others()).toEqual([]);
  });
});

describe('a lock that is granted as late after the handshake as possible', () => {
  it('is renewed in time, also if the first answers are the slowest', async () => {
    const { clock, server, others } = holding(7000);
    server.latencyMs = 2500;
    await clock.advance(T / 10);
    server.latencyMs = 5;
    await clock.advance(2 * T);
    expect(others()).toEqual([]);
  });

  it('is renewed in time, also if all answers are slow', async () => {
    const { clock, server, others } = holding(7000);
    server.latencyMs = 1000;
    await clock.advance(2 * T);
    expect(others()).toEqual([]);
  });

  it('is not granted by an older lease', () => {
    expect(() => holding(7500)).toThrow();
  });
});

describe('when all answers are slow', () => {
  it.each([500, 1200, 1750])('by %d ms, the lease is renewed', async (latencyMs) => {
    const { clock, server, others } = holding();
    server.latencyMs = latencyMs;
    await clock.advance(20 * T);
    expect(others()).toEqual([]);
  });

  it('too slow for the lease although each is in time, a handshake is requested in time', async () => {
    const { clock, server, attach, detach, confirm, keeper, others } = holding();
    server.latencyMs = 2500;
    while (others().length === 0) await clock.advance(10);
    expect(others()).toEqual(['proof needed: lease renewals are too slow']);
    // A connection, a handshake, and the confirmation that our node exists.
    const sentAt = clock.now() + server.latencyMs;
    detach();
    await clock.advance(2 * server.latencyMs);
    attach(sentAt);
    await confirm();
    expect(others()).toHaveLength(1);
    expect(keeper.lease.provenAt).toBe(sentAt);
  });
});

describe('without answers', () => {
  it('a proof is requested T/10 after a request, and the lease ends at stopAt, once', async () => {
    const { clock, server, reports, others, keeper } = holding();
    await clock.advance(2 * T);
    server.answer = 'none';
    const silentAt = clock.now();
    while (others().length === 0) await clock.advance(10);
    expect(clock.now() - silentAt).toBeLessThan(T / 6 + T / 10 + 50);
    expect(others()[0]).toMatch(/^proof needed: no confirmation/);
    const { stopAt } = keeper.lease;
    while (!reports.includes('ending')) await clock.advance(10);
    expect(Math.abs(clock.now() - stopAt)).toBeLessThanOrEqual(10);
    await clock.advance(5 * T);
    expect(reports.filter((word) => word === 'ending')).toHaveLength(1);
  });

  it('an answer after stopAt renews nothing', async () => {
    const { clock, server, keeper, reports, attach, detach, confirm } = holding();
    server.answer = 'none';
    await clock.advance(T);
    expect(reports).toContain('ending');
    const before = keeper.lease;
    detach();
    server.answer = 'ok';
    attach(clock.now());
    await confirm();
    expect(keeper.lease).toEqual(before);
    expect(reports.filter((word) => word === 'renewed')).toEqual([]);
  });

  it('a confirmation after stopAt does not prove the handshake before it', async () => {
    const { clock, server, keeper, session, reports, attach, detach } = holding();
    await clock.advance(T / 4);
    detach();
    server.answer = 'none';
    attach(clock.now() - 5);
    while (!reports.includes('ending')) await clock.advance(10);
    const before = keeper.lease;
    server.answer = 'ok';
    const late = session.check();
    await clock.advance(server.latencyMs);
    keeper.confirmed(await late);
    expect(keeper.lease).toEqual(before);
    expect(reports.at(-1)).toBe('ending');
  });

  it('an answer to a renewal that is read only after stopAt renews nothing', async () => {
    const { clock, server, keeper, reports, attach, detach } = holding();
    await clock.advance(T / 3);
    detach();
    attach(clock.now() - 5);
    // It would prove the handshake, if it were read in time.
    server.latencyMs = 1000;
    const { asked } = server;
    while (server.asked === asked) await clock.advance(10);
    const before = keeper.lease;
    reports.length = 0;
    await clock.sleep(before.stopAt - clock.now());
    expect(keeper.lease).toEqual(before);
    expect(reports).toEqual(['ending']);
  });

  it('an error other than "no such node" is no renewal, and no loss', async () => {
    const { clock, server, reports, keeper } = holding();
    server.answer = 'SYSTEM_ERROR';
    const before = keeper.lease;
    await clock.advance(T / 3);
    expect(keeper.lease).toEqual(before);
    expect(reports).not.toContain('node gone');
  });

  it('a node that is gone is reported at once', async () => {
    const { clock, server, reports } = holding();
    server.answer = 'NO_NODE';
    await clock.advance(T / 5);
    expect(reports).toContain('node gone');
  });
});

describe('a proof by handshake', () => {
  it('does not count as steady renewal: soon no other lock is granted by it', async () => {
    const { clock, keeper, server, attach, detach, confirm } = holding();
    await clock.advance(T);
    detach();
    attach(clock.now() - 5);
    await confirm();
    expect(keeper.isFresh).toBe(true);
    server.answer = 'none';
    // More would be left of it than steady renewal leaves at its worst moment.
    await clock.advance((keeper.lease.stopAt - keeper.lease.provenAt) / 2);
    expect(keeper.isFresh).toBe(false);
  });
});

describe('when time passed without lockex', () => {
  it('a pause requires another proof instead of the next request', async () => {
    const { clock, others, server } = holding();
    await clock.advance(2 * T);
    const { asked } = server;
    await clock.sleep(T / 4);
    expect(others()[0]).toMatch(/^proof needed: lockex was not scheduled for \d/);
    expect(server.asked).toBe(asked);
  });

  it('a pause beyond stopAt ends the lease, whatever is answered then', async () => {
    const { clock, reports } = holding();
    await clock.advance(2 * T);
    reports.length = 0;
    await clock.sleep(T);
    expect(reports).toEqual(['ending']);
  });

  it('a wall clock that jumps ahead requires another proof', async () => {
    const { clock, others, jumpWallClock } = holding();
    await clock.advance(2 * T);
    jumpWallClock(60_000);
    await clock.advance(T / 5);
    expect(others()[0]).toMatch(/^proof needed: the wall clock jumped ahead by 1 min/);
  });

  it('a wall clock that jumped ahead since the last renewal leaves no lease to grant by', () => {
    const { keeper, jumpWallClock } = holding();
    expect(keeper.isFresh).toBe(true);
    jumpWallClock(60_000);
    expect(keeper.isFresh).toBe(false);
  });

  it('a wall clock that is set back does not', async () => {
    const { clock, others, jumpWallClock } = holding();
    jumpWallClock(-3_600_000);
    await clock.advance(T);
    expect(others()).toEqual([]);
  });
});

describe('a re-attachment', () => {
  it('is a proven touch once a request on it was confirmed, and not before', async () => {
    const { clock, keeper, attach, detach, confirm } = holding();
    await clock.advance(T / 4);
    detach();
    const before = keeper.lease.provenAt;
    await clock.advance(T / 8);
    const sentAt = clock.now() - 5;
    attach(sentAt);
    expect(keeper.lease.provenAt).toBe(before);
    await confirm();
    expect(keeper.lease.provenAt).toBe(sentAt);
  });

  it('makes a lease fresh to grant by only when it is confirmed', async () => {
    const { clock, keeper, attach, detach, confirm } = holding();
    detach();
    await clock.advance(T / 2);
    expect(keeper.isFreshOnceConfirmed).toBe(false);
    attach(clock.now() - 5);
    expect(keeper.isFresh).toBe(false);
    expect(keeper.isFreshOnceConfirmed).toBe(true);
    await confirm();
    expect(keeper.isFresh).toBe(true);
  });

  it('proves nothing by what was confirmed on another attachment', async () => {
    const { clock, keeper, session, attach, detach } = holding();
    const late = session.check();
    await clock.advance(5);
    detach();
    attach(clock.now() - 1);
    const before = keeper.lease;
    keeper.confirmed(await late);
    expect(keeper.lease).toEqual(before);
  });

  it('that grants a smaller T shortens the lease at once', () => {
    const { clock, keeper, attach } = holding();
    attach(clock.now(), 6000);
    expect(keeper.lease.leaseEnd).toBeLessThan(clock.now() + 6000);
  });
});
