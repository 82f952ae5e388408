import { describe, expect, it } from 'vitest';
import {
  deadlinesOf,
  type Lease,
  type LeaseFact,
  leaseAfter,
  newLease,
  renewalIntervalMs,
} from '../../../src/zookeeper/lease.ts';

const T = 30_000;
const confirmed = (sentAt: number, answeredAt = sentAt + 5): LeaseFact => ({
  type: 'confirmed',
  sentAt,
  answeredAt,
  // What is sent at the time of an answer is sent upon it.
  order: { sent: sentAt, answered: answeredAt - 0.1 },
});
const having = (lease: Lease, ...facts: LeaseFact[]) => facts.reduce(leaseAfter, lease);

describe('a proven touch', () => {
  it('is the sending of an answered handshake', () => {
    expect(newLease(1000, T).provenAt).toBe(1000);
    expect(
      having(newLease(1000, T), { type: 'attached', sentAt: 9000, timeoutMs: T }).provenAt,
    ).toBe(9000);
  });

  it('is not a single confirmed request, nor two, nor many within T/3', () => {
    const lease = newLease(0, T);
    expect(having(lease, confirmed(20_000)).provenAt).toBe(0);
    expect(having(lease, confirmed(100), confirmed(20_000)).provenAt).toBe(0);
    const many = Array.from({ length: 50 }, (_, index) => confirmed(100 + index * 150));
    expect(having(lease, ...many).provenAt).toBe(0);
  });

  it('is a request that two later confirmations complete: j T/3 after its answer, k after j’s', () => {
    const lease = having(newLease(0, T), confirmed(100, 200), confirmed(10_200, 10_300));
    expect(lease.provenAt).toBe(0);
    expect(having(lease, confirmed(10_300, 10_400)).provenAt).toBe(100);
  });

  it('needs j to be sent a full T/3 after i’s answer, to the millisecond', () => {
    const lease = newLease(0, T);
    const k = confirmed(11_000);
    expect(having(lease, confirmed(100, 200), confirmed(10_199, 10_300), k).provenAt).toBe(0);
    expect(having(lease, confirmed(100, 200), confirmed(10_200, 10_300), k).provenAt).toBe(100);
  });

  it('needs k to be sent after j’s answer: pipelined requests do not complete each other', () => {
    const lease = having(newLease(0, T), confirmed(100, 200), confirmed(10_200, 10_300));
    expect(having(lease, confirmed(10_299, 10_400)).provenAt).toBe(0);
  });

  it('tells j from k, and what was in flight at once, also within one step of the clock', () => {
    const at = (time: number, sent: number, answered: number): LeaseFact => {
      return { type: 'confirmed', sentAt: time, answeredAt: time, order: { sent, answered } };
    };
    const lease = having(newLease(0, T), at(100, 1, 2), at(10_200, 3, 5));
    expect(lease.provenAt).toBe(0);
    expect(having(lease, at(10_200, 4, 6)).provenAt).toBe(0);
    expect(having(lease, at(10_200, 4, 6), at(10_200, 7, 8)).provenAt).toBe(100);
  });

  it('is counted from i’s sending, however late its answer came', () => {
    const slow = having(
      newLease(0, T),
      confirmed(100, 9_000),
      confirmed(19_000, 19_100),
      confirmed(19_200, 19_300),
    );
    expect(slow.provenAt).toBe(100);
  });

  it('is never completed across connections', () => {
    const half = having(newLease(0, T), confirmed(100), confirmed(10_200));
    expect(having(half, { type: 'detached' }, confirmed(11_000)).provenAt).toBe(0);
    const attached = having(
      half,
      { type: 'attached', sentAt: 50, timeoutMs: T },
      confirmed(11_000),
    );
    expect(attached.provenAt).toBe(50);
  });

  it('never moves back', () => {
    const lease = having(newLease(5000, T), { type: 'attached', sentAt: 4000, timeoutMs: T });
    expect(lease.provenAt).toBe(5000);
  });
});

describe('the deadlines', () => {
  it('are counted with the smallest T that was granted in the session’s life', () => {
    const lease = having(
      newLease(0, T),
      { type: 'attached', sentAt: 1000, timeoutMs: 6000 },
      { type: 'attached', sentAt: 2000, timeoutMs: 60_000 },
    );
    const { leaseEnd } = deadlinesOf(lease, 5000);
    expect(leaseEnd).toBeLessThan(8000);
    expect(leaseEnd).toBeGreaterThan(7900);
  });

  it('are cut at once by a smaller T, before anything is proven with it', () => {
    const lease = having(newLease(0, T), { type: 'negotiated', timeoutMs: 6000 });
    expect(lease.provenAt).toBe(0);
    expect(deadlinesOf(lease, 5000).leaseEnd).toBeLessThan(6000);
  });

  it('leave room for clocks that drift, for the grace and for the killing', () => {
    const { leaseEnd, stopAt } = deadlinesOf(newLease(0, T), 5000);
    expect(leaseEnd).toBe(30_000 - 60 - 20);
    expect(stopAt).toBe(leaseEnd - 5000 - 750);
    // The grace is bounded by T/6: a long --kill-after may not eat the tolerance for outages.
    expect(deadlinesOf(newLease(0, T), 60_000).stopAt).toBe(leaseEnd - 5000 - 750);
    expect(deadlinesOf(newLease(0, T), 0).stopAt).toBe(leaseEnd - 750);
  });

  it.each([1000, 4000, 30_000, 120_000])('are in order for T = %i ms', (timeoutMs) => {
    const { provenAt, stopAt, leaseEnd } = deadlinesOf(newLease(0, timeoutMs), 5000);
    expect(provenAt).toBeLessThan(stopAt);
    expect(stopAt).toBeLessThan(leaseEnd);
    expect(leaseEnd).toBeLessThan(timeoutMs);
  });
});

/** Renews as the keeper does, from 0 until `until`, each answer after `latencyMs`. */
function renewedUntil(until: number, latencyMs: number, timeoutMs = T): Lease {
  let lease = newLease(0, timeoutMs);
  const interval = renewalIntervalMs(timeoutMs, latencyMs);
  for (let startsAt = interval; ; startsAt += interval) {
    for (const sentAt of [startsAt, startsAt + latencyMs]) {
      if (sentAt + latencyMs > until) return lease;
      lease = leaseAfter(lease, confirmed(sentAt, sentAt + latencyMs));
    }
  }
}

describe('steady renewal', () => {
  it('keeps about a third of T as tolerance for an outage at its worst moment', () => {
    let worst = Number.POSITIVE_INFINITY;
    for (let now = 2 * T; now < 4 * T; now += 37) {
      worst = Math.min(worst, deadlinesOf(renewedUntil(now, 5), 5000).stopAt - now);
    }
    expect(worst / T).toBeGreaterThan(0.3);
  });

  it('with slow answers shrinks the lease, but keeps it', () => {
    const slow = renewedUntil(3 * T, 2000);
    expect(deadlinesOf(slow, 5000).stopAt).toBeGreaterThan(3 * T);
    expect(slow.provenAt).toBeLessThan(renewedUntil(3 * T, 5).provenAt);
  });

  it('after a stall does not jump to full by one answer', () => {
    const lease = renewedUntil(T, 5);
    const stalled = having(lease, confirmed(T + 9000, T + 9005));
    expect(stalled.provenAt).toBeLessThan(T);
  });

  it('remembers only what can still prove something', () => {
    expect(renewedUntil(1000 * T, 5).confirmations.length).toBeLessThan(10);
  });
});

/**
 * The model that the lease is a claim about: a follower that answers confirmations, hears the
 * leader's pings every T/4 at the latest and answers them; the leader touches the session when such
 * an answer arrives, if the follower heard from us since the ping before. At a random moment the
 * follower's answers stop reaching the leader, while requests may go on being confirmed for one
 * more (a request that was on its way). The lease must never end after the leader's own verdict.
 */
describe('against a model of leader and follower', () => {
  const random = (seed: number) => () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };

  /** What the clock says: never later than the truth, and at most 10 ms earlier. */
  const stepOf = (time: number) => Math.floor(time / 10) * 10;

  it('ends before the leader expires the session, in 20,000 random histories', () => {
    for (let seed = 1; seed <= 20_000; seed += 1) {
      const next = random(seed);
      const cutAt = next() * 3 * T;
      const pingEvery = (T / 4) * (0.2 + 0.8 * next());
      const touches = [0];
      const heard: number[] = [0];
      let lease = newLease(0, T);
      let now = 0;
      let pingAt = next() * pingEvery;
      while (true) {
        // Irregular requests: bursts, pauses, slow answers.
        const sentAt = now + next() * next() * (T / 2);
        const arrivesAt = sentAt + next() * 300;
        // The leader's pings up to then are answered with what the follower has heard so far.
        for (; pingAt <= arrivesAt; pingAt += pingEvery) {
          const lastPing = pingAt - pingEvery;
          const heardSince = heard.some((at) => at > lastPing && at <= pingAt);
          if (heardSince && pingAt < cutAt) touches.push(pingAt);
        }
        if (arrivesAt >= cutAt) break;
        heard.push(arrivesAt);
        const answeredAt = arrivesAt + next() * 300;
        lease = leaseAfter(lease, {
          type: 'confirmed',
          sentAt: stepOf(sentAt),
          answeredAt: stepOf(answeredAt),
          order: { sent: sentAt, answered: answeredAt },
        });
        now = answeredAt;
      }
      const leaderExpiresAt = Math.max(...touches) + T;
      expect(deadlinesOf(lease, 5000).leaseEnd, `seed ${seed}`).toBeLessThan(leaderExpiresAt);
    }
  });
});
