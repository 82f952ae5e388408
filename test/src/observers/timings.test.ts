/** The timings of a run's phases. */
import { expect, it } from 'vitest';
import type { LockexEvent } from '../../../machines/contract.ts';
import { Timings } from '../../../src/observers/timings.ts';

const SESSION = { server: 'a:1', timeoutMs: 1000 };
const LEASE = { provenAt: 0, stopAt: 800, leaseEnd: 990 };

it('only the first end of a phase counts; phases are listed in the order of their ends', () => {
  let now = 0;
  const timings = new Timings(() => now);
  const at = (time: number, event: LockexEvent | null) => {
    now = time;
    timings.observe(event);
  };
  now = 12.34;
  timings.end('load');
  at(20, null);
  at(31, { type: 'session.established', session: SESSION, lease: LEASE });
  at(40, { type: 'session.suspended', reason: 'gone' });
  at(50, { type: 'session.established', session: SESSION, lease: LEASE });
  at(61.25, { type: 'lock.granted' });
  expect(`${timings}`).toBe('load 12.3, session 31.0, node 61.3');
});
