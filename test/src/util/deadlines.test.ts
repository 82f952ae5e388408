/** The order of a lease's deadlines, for random sessions, graces and hosts. */
import { describe, expect, it } from 'vitest';
import { killDeadlines, leaseDeadlines } from '../../../src/util/deadlines.ts';
import { randomOf } from '../../support/random.ts';

const CASES = 4000;
/** From the smallest that lockex accepts to the largest `int`. */
const TIMEOUTS = [100, 144, 145, 600, 4000, 30_000, 3_600_000, 2 ** 31 - 1];
const EXTREMES = [0, 1, 50, 300, 5000, 600_000, Number.MAX_SAFE_INTEGER];

function* inputs() {
  for (const timeoutMs of TIMEOUTS) {
    for (const killAfterMs of EXTREMES) {
      for (const scanMs of EXTREMES) yield { provenAt: 0, timeoutMs, killAfterMs, scanMs };
    }
  }
  const random = randomOf(21, 'deadlines');
  const upTo = (most: number) => most ** random.fraction();
  for (let count = 0; count < CASES; count += 1) {
    const provenAt = upTo(1e10);
    const timeoutMs = 100 * upTo(2e7);
    yield { provenAt, timeoutMs, killAfterMs: upTo(1e8) - 1, scanMs: upTo(1e5) - 1 };
  }
}

describe('the deadlines of every lease are in order', () => {
  it('proven, stop, last kill, guard, end, where the guard needs no scan', () => {
    for (const { scanMs: _, ...terms } of inputs()) {
      const lease = leaseDeadlines(terms);
      const { lastKillAt, guardFiresAt } = killDeadlines(lease, 0);
      const order = [lease.provenAt, lease.stopAt, lastKillAt, guardFiresAt, lease.leaseEnd];
      expect(order, JSON.stringify(terms)).toEqual(order.toSorted((one, two) => one - two));
      expect(lastKillAt).toBeLessThan(guardFiresAt);
      expect(guardFiresAt).toBeLessThan(lease.leaseEnd);
    }
  });

  it('proven, last kill, guard, end, however long its scan takes', () => {
    for (const { scanMs, ...terms } of inputs()) {
      const lease = leaseDeadlines(terms);
      const { lastKillAt, guardFiresAt } = killDeadlines(lease, scanMs);
      const order = [lease.provenAt, lastKillAt, guardFiresAt, lease.leaseEnd];
      expect(order, JSON.stringify({ ...terms, scanMs })).toEqual(
        order.toSorted((one, two) => one - two),
      );
      expect(lastKillAt).toBeLessThan(guardFiresAt);
      expect(guardFiresAt).toBeLessThan(lease.leaseEnd);
    }
  });

  it('stop before last kill, unless the scan is longer than the grace', () => {
    for (const { scanMs, ...terms } of inputs()) {
      const lease = leaseDeadlines(terms);
      if (1.4 * scanMs > 0.65 * (lease.leaseEnd - lease.stopAt) - 70) continue;
      const { lastKillAt } = killDeadlines(lease, scanMs);
      expect(lastKillAt, JSON.stringify({ ...terms, scanMs })).toBeGreaterThanOrEqual(lease.stopAt);
    }
  });

  it('a longer scan kills no later', () => {
    for (const { scanMs, ...terms } of inputs()) {
      const lease = leaseDeadlines(terms);
      const [without, withScan] = [killDeadlines(lease, 0), killDeadlines(lease, scanMs)];
      expect(withScan.guardFiresAt).toBeLessThanOrEqual(without.guardFiresAt);
      expect(withScan.lastKillAt).toBeLessThanOrEqual(without.lastKillAt);
    }
  });
});
