/** Entries of a feed, for the tests of the page. */

import { initialContext } from '../../../machines/context.ts';
import type { FeedEntry, FeedEvent, FeedHead, RunLimits } from '../../../src/inspector/feed.ts';
import { type Facts, factsOf } from '../../../src/inspector/feed.ts';
import { freeLock } from '../../../src/status/view.ts';
import { input } from '../../machines/facts.ts';

export function head(limits: Partial<RunLimits> = {}): FeedHead {
  return {
    ...{ lockId: 'redis', lockPath: 'lockex', leases: 1, host: 'db1', pid: 4711 },
    version: '1.0.0',
    limits: { waitMs: null, maxRuntimeMs: null, killAfterMs: 10_000, ...limits },
  };
}

export function facts(more: Partial<Facts> = {}): Facts {
  return { ...factsOf(initialContext(input()), 0), ...more };
}

/** Tagged as the machine tags its states. */
export function entry(
  number: number,
  at: number,
  state: string,
  event: readonly [FeedEvent['type'], FeedEvent['details']] | null = null,
  its: Facts = facts(),
): FeedEntry {
  const isHeld = /^(locked|running|suspended\.(locked|running)|lost|cleanup\.stop)/.test(state);
  return {
    ...{ number, at, state, facts: its },
    tags: isHeld ? ['lockHeld'] : [],
    event: event && { type: event[0], details: event[1] },
  };
}

export function lockView() {
  return freeLock('redis', '/lockex/redis');
}
