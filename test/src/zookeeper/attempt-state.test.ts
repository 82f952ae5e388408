/** Every state of an attempt with every event: the complete table, and what must hold in it. */
import { describe, expect, it } from 'vitest';
import {
  type AttemptEvent,
  type AttemptState,
  type EventType,
  errorPhaseOf,
  isSuspended,
  nextState,
  type StateName,
} from '../../../src/zookeeper/attempt-state.ts';

const PATH = '/lock/node';
const EVENTS: readonly EventType[] = [
  ...(['join', 'granted', 'confirm', 'reattach', 'confirmed'] as const),
  ...(['detached', 'suspend', 'resume', 'end'] as const),
];
/** '-': the event changes nothing. In the order of EVENTS. */
const TABLE: Readonly<Record<StateName, string>> = {
  idle: 'queued - - - - - - - over',
  queued: '- granted - - - queued.suspended queued.suspended - over',
  'queued.suspended': '- - - - - - - queued over',
  granted: 'queued - - granted.reattaching holding granted.suspended granted.suspended - over',
  'granted.reattaching': 'queued - granted - - - granted.suspended - over',
  'granted.suspended': 'queued.suspended - - - - - - granted over',
  holding: 'queued - granted granted.reattaching - holding.suspended holding.suspended - over',
  'holding.suspended': 'queued.suspended - - - - - - holding over',
  over: '- - - - - - - - -',
};
const STATES = Object.keys(TABLE) as StateName[];

const stateOf = (name: StateName): AttemptState =>
  /^(granted|holding)/.test(name)
    ? ({ name, path: PATH } as AttemptState)
    : ({ name } as AttemptState);
const eventOf = (type: EventType): AttemptEvent =>
  type === 'granted' ? { type, path: PATH } : { type };
const pairs = STATES.flatMap((name) =>
  EVENTS.map((type, index) => [name, type, TABLE[name].split(' ')[index] ?? ''] as const),
);

it('the table has a column for each event', () => {
  for (const name of STATES) expect(TABLE[name].split(' '), name).toHaveLength(EVENTS.length);
});

it.each(pairs)('%s, %s: %s', (name, type, expected) => {
  const state = stateOf(name);
  const next = nextState(state, eventOf(type));
  if (expected === '-') expect(next).toBe(state);
  else expect(next).toEqual(stateOf(expected as StateName));
});

describe('safety', () => {
  const transitions = pairs.map(([name, type]) => {
    const state = stateOf(name);
    return { state, type, next: nextState(state, eventOf(type)) };
  });

  it('a lock is held only after a confirmation, or where it was held before the outage', () => {
    for (const { state, type, next } of transitions) {
      if (next.name !== 'holding' || state.name === 'holding') continue;
      expect([state.name, type]).toEqual(
        type === 'resume' ? ['holding.suspended', 'resume'] : ['granted', 'confirmed'],
      );
    }
  });

  it('only what the leader has confirmed ends a suspension', () => {
    for (const { state, type, next } of transitions) {
      if (!isSuspended(state) || isSuspended(next) || next.name === 'over') continue;
      expect(type).toBe('resume');
    }
  });

  it('no event leads out of the end', () => {
    for (const { state, next } of transitions) {
      if (state.name === 'over') expect(next.name).toBe('over');
    }
  });
});

it('errors of our own node have a phase exactly where requests about it are under way', () => {
  const phases = STATES.map((name) => [name, errorPhaseOf(stateOf(name))]);
  expect(Object.fromEntries(phases)).toEqual({
    idle: null,
    queued: null,
    'queued.suspended': 'rejoining',
    granted: 'confirming',
    'granted.reattaching': 'confirming',
    'granted.suspended': 'rejoining',
    holding: 'holding',
    'holding.suspended': 'resuming',
    over: null,
  });
});
