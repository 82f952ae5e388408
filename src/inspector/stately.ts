/**
 * Converts the feed to the protocol of `@statelyai/inspect` (its types StatelyActorEvent,
 * StatelyEventEvent, StatelySnapshotEvent), for Stately's inspector and other clients. It uses only
 * the feed's entries, so it shows no more than they do. Pure.
 */
import type { FeedEntry, FeedHead } from './feed.ts';

/** The version of @statelyai/inspect whose protocol this is. */
const VERSION = '0.7.2';
const ROOT = 'lockex';

/** The first message: the actor, with the machine's configuration (`machine.config`) as JSON. */
export function statelyActor(head: FeedHead, first: FeedEntry, definition: string): string {
  return JSON.stringify({
    type: '@xstate.actor',
    name: `lockex ${head.lockId}`,
    ...common(first),
    parentId: undefined,
    definition,
    snapshot: snapshotOf(first),
  });
}

/** The event, and the snapshot after it. */
export function statelyEvents(entry: FeedEntry): string[] {
  const event = { type: entry.event?.type ?? 'xstate.init', ...entry.event?.details };
  const snapshot = JSON.stringify({
    type: '@xstate.snapshot',
    ...common(entry),
    event,
    snapshot: snapshotOf(entry),
  });
  if (entry.event === null) return [snapshot];
  const inspected = { type: '@xstate.event', ...common(entry), sourceId: undefined, event };
  return [JSON.stringify(inspected), snapshot];
}

function common({ at, number }: FeedEntry) {
  return {
    rootId: ROOT,
    sessionId: ROOT,
    createdAt: String(at),
    id: `${ROOT}-${number}`,
    _version: VERSION,
  };
}

function snapshotOf({ state, facts }: FeedEntry) {
  return {
    status: state === 'done' ? 'done' : 'active',
    value: stateValue(state),
    context: facts,
  };
}

/** `cleanup.stopping` → `{ cleanup: 'stopping' }`, as in XState's snapshots. */
function stateValue(state: string): unknown {
  const [outer = '', ...inner] = state.split('.');
  return inner.length === 0 ? outer : { [outer]: stateValue(inner.join('.')) };
}
