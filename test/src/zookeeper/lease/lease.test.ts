/** The arithmetic of the lease: examples, and random histories against a model of the servers. */
import { describe, expect, it } from 'vitest';
import {
  deadlinesOf,
  type Lease,
  type LeaseFact,
  leaseAfter,
  newLease,
  nextPairAt,
  onceConfirmed,
} from '../../../../src/zookeeper/lease/lease.ts';

const T = 30_000;
const attached = (number: number, handshakeSentAt: number, timeoutMs = T): LeaseFact => ({
  type: 'attached',
  number,
  handshakeSentAt,
  timeoutMs,
});
/** On the first attachment by default. */
const confirmed = (sentAt: number, answeredAt = sentAt + 5, attachment = 1): LeaseFact => ({
  type: 'confirmed',
  attachment,
  sentAt,
  answeredAt,
  // A request that is sent at the time of an answer is sent upon it.
  order: { sent: sentAt, answered: answeredAt - 0.1 },
});
const created = (handshakeSentAt: number, timeoutMs = T) =>
  newLease({ number: 1, handshakeSentAt, timeoutMs });
const having = (lease: Lease, ...facts: LeaseFact[]) => facts.reduce(leaseAfter, lease);

describe('a proven touch', () => {
  it('is the sending of the handshake that created the session', () => {
    expect(created(1000).provenAt).toBe(1000);
  });

  it('is the sending of a later handshake once a request on its attachment was confirmed', () => {
    const lease = having(created(1000), attached(2, 9000));
    expect(lease.provenAt).toBe(1000);
    expect(onceConfirmed(lease).provenAt).toBe(9000);
    expect(having(lease, confirmed(9100, 9200, 2)).provenAt).toBe(9000);
  });

  it('is not a handshake that was confirmed only on another attachment', () => {
    const late = having(created(0), attached(2, 9000), confirmed(8000, 9100, 1));
    expect(late.provenAt).toBe(0);
    const again = having(late, { type: 'detached' }, confirmed(9100, 9200, 2));
    expect(again.provenAt).toBe(0);
    const third = having(again, attached(3, 12_000), confirmed(9300, 12_100, 2));
    expect(third.provenAt).toBe(0);
  });

  it('is not a single confirmed request, nor two, nor many within T/3', () => {
    const lease = created(0);
    expect(having(lease, confirmed(20_000)).provenAt).toBe(0);
    expect(having(lease, confirmed(100), confirmed(20_000)).provenAt).toBe(0);
    const many = Array.from({ length: 50 }, (_, index) => confirmed(100 + index * 150));
    expect(having(lease, ...many).provenAt).toBe(0);
  });

  const pair = [confirmed(100, 150), confirmed(150, 200)];

  it('is the elder of two requests, proven by j T/3 after their answers and k after j’s', () => {
    const lease = having(created(0), ...pair, confirmed(10_200, 10_300));
    expect(lease.provenAt).toBe(0);
    expect(having(lease, confirmed(10_300, 10_400)).provenAt).toBe(100);
  });

  it('is not a single request: the follower may have lost the touch', () => {
    const lease = having(created(0), confirmed(100, 200), confirmed(10_200, 10_300));
    expect(having(lease, confirmed(10_300, 10_400)).provenAt).toBe(0);
  });

  it('requires j to be sent a full T/3 after the answers, to the millisecond', () => {
    const lease = having(created(0), ...pair);
    const k = confirmed(11_000);
    expect(having(lease, confirmed(10_199, 10_300), k).provenAt).toBe(0);
    expect(having(lease, confirmed(10_200, 10_300), k).provenAt).toBe(100);
  });

  it('requires k to be sent after j’s answer: pipelined requests do not count', () => {
    const lease = having(created(0), ...pair, confirmed(10_200, 10_300));
    expect(having(lease, confirmed(10_299, 10_400)).provenAt).toBe(0);
  });

  it('distinguishes j, k and requests in flight together within one step of the clock', () => {
    const at = (time: number, sent: number, answered: number): LeaseFact => {
      const order = { sent, answered };
      return { type: 'confirmed', attachment: 1, sentAt: time, answeredAt: time, order };
    };
    const lease = having(created(0), at(100, 1, 2), at(100, 3, 4), at(10_200, 5, 7));
    expect(lease.provenAt).toBe(0);
    expect(having(lease, at(10_200, 6, 8)).provenAt).toBe(0);
    expect(having(lease, at(10_200, 6, 8), at(10_200, 9, 10)).provenAt).toBe(100);
  });

  it('counts from the sending, however late the answer is', () => {
    const slow = having(
      created(0),
      confirmed(100, 8_000),
      confirmed(200, 9_000),
      confirmed(19_000, 19_100),
      confirmed(19_200, 19_300),
    );
    expect(slow.provenAt).toBe(100);
  });

  it('is never completed across connections', () => {
    const half = having(created(0), ...pair, confirmed(10_200));
    expect(having(half, { type: 'detached' }, confirmed(11_000)).provenAt).toBe(0);
    const again = having(half, attached(2, 50), confirmed(11_000, 11_005, 2));
    expect(again.provenAt).toBe(50);
  });

  it('never moves back', () => {
    const lease = having(created(5000), attached(2, 4000), confirmed(5100, 5200, 2));
    expect(lease.provenAt).toBe(5000);
  });
});

describe('the deadlines', () => {
  it('are counted with the smallest T that was granted in the session’s life', () => {
    const lease = having(
      created(0),
      attached(2, 1000, 6000),
      confirmed(1100, 1200, 2),
      attached(3, 2000, 60_000),
      confirmed(2100, 2200, 3),
    );
    const { leaseEnd } = deadlinesOf(lease, 5000);
    expect(leaseEnd).toBeLessThan(8000);
    expect(leaseEnd).toBeGreaterThan(7900);
  });

  it('are shortened at once by a smaller T, before anything is proven with it', () => {
    const lease = having(created(0), attached(2, 1000, 6000));
    expect(lease.provenAt).toBe(0);
    expect(deadlinesOf(lease, 5000).leaseEnd).toBeLessThan(6000);
  });

  it('leave time for drift, for the grace and for killing', () => {
    const { leaseEnd, stopAt } = deadlinesOf(created(0), 5000);
    expect(leaseEnd).toBe(30_000 - 60 - 20);
    expect(stopAt).toBe(leaseEnd - 5000 - 750);
    // The grace is at most T/6: a long --kill-after must not use up the tolerance for outages.
    expect(deadlinesOf(created(0), 60_000).stopAt).toBe(leaseEnd - 5000 - 750);
    expect(deadlinesOf(created(0), 0).stopAt).toBe(leaseEnd - 750);
  });

  it.each([1000, 4000, 30_000, 120_000])('are in order for T = %i ms', (timeoutMs) => {
    const { provenAt, stopAt, leaseEnd } = deadlinesOf(created(0, timeoutMs), 5000);
    expect(provenAt).toBeLessThan(stopAt);
    expect(stopAt).toBeLessThan(leaseEnd);
    expect(leaseEnd).toBeLessThan(timeoutMs);
  });
});

/** Renews as the keeper does, from 0 until `until`, each answer after `latencyMs`. */
function renewedUntil(until: number, latencyMs: number, timeoutMs = T): Lease {
  let lease = created(0, timeoutMs);
  let begunAt = timeoutMs / 30;
  while (true) {
    for (const sentAt of [begunAt, begunAt + latencyMs]) {
      if (sentAt + latencyMs > until) return lease;
      lease = leaseAfter(lease, confirmed(sentAt, sentAt + latencyMs));
    }
    begunAt = nextPairAt(lease, begunAt, 2 * latencyMs);
  }
}

describe('steady renewal', () => {
  it('leaves about a third of T as tolerance for an outage at its worst moment', () => {
    let worst = Number.POSITIVE_INFINITY;
    for (let now = 2 * T; now < 4 * T; now += 37) {
      worst = Math.min(worst, deadlinesOf(renewedUntil(now, 5), 5000).stopAt - now);
    }
    expect(worst / T).toBeGreaterThan(0.3);
  });

  it('with slow answers shrinks the lease, but keeps it', () => {
    const slow = renewedUntil(3 * T, 1500);
    expect(deadlinesOf(slow, 5000).stopAt).toBeGreaterThan(3 * T);
    expect(slow.provenAt).toBeLessThan(renewedUntil(3 * T, 5).provenAt);
  });

  it('after a stall does not jump to a full lease by one answer', () => {
    const lease = renewedUntil(T, 5);
    const stalled = having(lease, confirmed(T + 9000, T + 9005));
    expect(stalled.provenAt).toBeLessThan(T);
  });

  it('keeps only confirmations that can still prove something', () => {
    expect(renewedUntil(1000 * T, 5).confirmations.length).toBeLessThan(10);
  });
});

/**
 * The model for which the lease is safe. A follower that answers confirmations hears the leader's
 * pings every T/4 at the latest, and answers each with the sessions that it heard from since the
 * ping before. A request that races with that may be missing, but not two in a row
 * (`LearnerSessionTracker`: its thread would have to stall twice between reading and writing one
 * variable). The leader touches the session when such an answer arrives, or a REVALIDATE. Now and
 * then the client re-attaches; a handshake may be answered although it never reached the leader
 * (with the answer to an earlier one), and then nothing is confirmed on that attachment. At a
 * random moment the follower's answers stop reaching the leader. The lease must always end before
 * the leader expires the session.
 */
describe('against a model of leader and follower', () => {
  const random = (seed: number) => () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };

  /** The clock's reading: never later than the true time, and at most 10 ms earlier. */
  const stepOf = (time: number) => Math.floor(time / 10) * 10;

  /** The lease at the end of one history, and when the leader expires the session. */
  function lived(next: () => number): { lease: Lease; leaderExpiresAt: number } {
    const cutAt = next() * 3 * T;
    const pingEvery = (T / 4) * (0.2 + 0.8 * next());
    const touches = [0];
    let heard: { readonly at: number; readonly isLost: boolean }[] = [{ at: 0, isLost: false }];
    const hear = (at: number) => {
      heard.push({ at, isLost: heard.at(-1)?.isLost === false && next() < 0.3 });
    };
    let lease = created(0);
    let attachment = 1;
    let now = 0;
    let pingAt = next() * pingEvery;
    const pingsUpTo = (time: number) => {
      for (; pingAt <= time; pingAt += pingEvery) {
        const isNoted = heard.some(
          ({ at, isLost }) => at > pingAt - pingEvery && at <= pingAt && !isLost,
        );
        if (isNoted && pingAt < cutAt) touches.push(pingAt);
      }
    };
    while (now < 4 * T) {
      if (next() < 0.1) {
        // Pings continue meanwhile; the previous follower reports nothing any more.
        const sentAt = now + next() * 500;
        const arrivesAt = sentAt + next() * 300;
        pingsUpTo(arrivesAt);
        attachment += 1;
        heard = [];
        now = arrivesAt + next() * 300;
        lease = leaseAfter(lease, attached(attachment, stepOf(sentAt)));
        if (arrivesAt >= cutAt) break;
        const isStale = next() < 0.3;
        if (isStale) continue;
        touches.push(arrivesAt);
        hear(arrivesAt);
      }
      // Irregular requests: bursts, pauses, slow answers.
      const sentAt = now + next() * next() * (T / 2);
      const arrivesAt = sentAt + next() * 300;
      pingsUpTo(arrivesAt);
      if (arrivesAt >= cutAt) break;
      // Nothing is confirmed where the follower does not reach the leader.
      if (heard.length === 0 && attachment > 1) {
        now = arrivesAt;
        continue;
      }
      hear(arrivesAt);
      const answeredAt = arrivesAt + next() * 300;
      lease = leaseAfter(lease, {
        type: 'confirmed',
        attachment,
        sentAt: stepOf(sentAt),
        answeredAt: stepOf(answeredAt),
        order: { sent: sentAt, answered: answeredAt },
      });
      now = answeredAt;
    }
    return { lease, leaderExpiresAt: Math.max(...touches) + T };
  }

  it('ends before the leader expires the session, in 20,000 random histories', () => {
    let renewed = 0;
    for (let seed = 1; seed <= 20_000; seed += 1) {
      const { lease, leaderExpiresAt } = lived(random(seed));
      expect(deadlinesOf(lease, 5000).leaseEnd, `seed ${seed}`).toBeLessThan(leaderExpiresAt);
      if (lease.provenAt > 0) renewed += 1;
    }
    // Without renewals the lease would be safe as well.
    expect(renewed).toBeGreaterThan(10_000);
  });
});
