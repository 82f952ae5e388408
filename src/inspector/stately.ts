/**
 * The feed in the words of `@statelyai/inspect` (its types StatelyActorEvent, StatelyEventEvent,
 * StatelySnapshotEvent), for Stately's own inspector and whatever else receives its protocol. Made of
 * the feed's entries alone, so that it shows no more than they do. Pure.
 */
import type { FeedEntry, FeedHead } from './feed.ts';

/** Of @statelyai/inspect, whose protocol this is. */
const VERSION = '0.7.2';
const ROOT = 'lockex';

/** The actor, with the machine's definition as JSON; to be said first. */
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

/** What happened, and how things stand after it. */
export function statelyEvents(entry: FeedEntry): string[] {
  const event = { type: entry.event?.type ?? 'xstate.init', ...entry.event?.details };
  const snapshot = JSON.stringify({
    type: '@xstate.snapshot',
    ...common(entry),
    event,
    snapshot: snapshotOf(entry),
  });
  if (entry.event === null) return [snapshot];
  const told = { type: '@xstate.event', ...common(entry), sourceId: undefined, event };
  return [JSON.stringify(told), snapshot];
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

/** `cleanup.stopping` → `{ cleanup: 'stopping' }`, as xstate has it. */
function stateValue(state: string): unknown {
  const [outer = '', ...inner] = state.split('.');
  return inner.length === 0 ? outer : { [outer]: stateValue(inner.join('.')) };
}
