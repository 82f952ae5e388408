/** The lease as text, and how urgent it is. Pure. */
import type { Moment } from './moment.ts';
import { outerOf } from './places.ts';
import { duration } from './text.ts';

/**
 * `none`: no lease. `good`: renewed in time. `low`: it cannot be renewed at present, or a renewal
 * is late. `ending`: the command is being stopped because of it.
 */
export type LeaseLevel = 'none' | 'good' | 'low' | 'ending';

export function leaseLevel({ entry, lease }: Moment): LeaseLevel {
  if (lease === null) return 'none';
  const isLost = outerOf(entry.state) === 'lost' || entry.state === 'cleanup.stoppingByDeadline';
  if (isLost || lease.stopInMs <= 0) return 'ending';
  const isLate = lease.stopInMs < lease.wholeMs / 5;
  return outerOf(entry.state) === 'suspended' || isLate ? 'low' : 'good';
}

export function leaseText(moment: Moment): string {
  const { entry, lease } = moment;
  const outer = outerOf(entry.state);
  if (lease === null)
    return outer === 'lost' ? 'another contender may hold the lock already' : 'no lock is held';
  if (outer === 'lost' || entry.state === 'cleanup.stoppingByDeadline')
    return lease.leftMs > 0
      ? 'left; it can no longer be renewed, and the command must have exited before its end'
      : 'the lease has ended: another contender may hold the lock';
  const stop = duration(Math.max(0, lease.stopInMs));
  if (outer === 'suspended')
    return `left; it cannot be renewed while lockex is disconnected: stopping begins in ${stop}`;
  if (outer === 'cleanup') return 'left; the lock is kept until the command has exited';
  return `left; stopping begins in ${stop} unless it is renewed`;
}
