/** What a run tells of where its time went. */
import { expect, it } from 'vitest';
import type { LockexEvent } from '../../../machines/contract.ts';
import { Phases } from '../../../src/observers/timings.ts';

const SESSION = { server: 'a:1', timeoutMs: 1000 };
const LEASE = { provenAt: 0, stopAt: 800, leaseEnd: 990 };

it('a phase ends once, the first time, and they are told in that order', () => {
  let now = 0;
  const phases = new Phases(() => now);
  const at = (time: number, event: LockexEvent | null) => {
    now = time;
    phases.observe(event);
  };
  now = 12.34;
  phases.end('load');
  at(20, null);
  at(31, { type: 'session.established', session: SESSION, lease: LEASE });
  at(40, { type: 'session.suspended', reason: 'gone' });
  at(50, { type: 'session.established', session: SESSION, lease: LEASE });
  at(61.25, { type: 'lock.granted' });
  expect(`${phases}`).toBe('load 12.3, session 31.0, node 61.3');
});
