/** The places of states and lines on the inspector's page, held against the machine. */
import { describe, expect, it } from 'vitest';
import { createLockexMachine } from '../../../machines/lockex.ts';
import { lifeOf } from '../../../src/inspector/page/life.ts';
import {
  LANES,
  LINES,
  outerOf,
  SPINE,
  STEPS,
  SUMMARIES,
} from '../../../src/inspector/page/places.ts';

const life = lifeOf(createLockexMachine().config);
const names = life.states.map(({ name }) => name);
const cells = Object.values(LANES).flat();
const steps = Object.values(STEPS).flat();

describe('every state has a place, and every place is that of a state:', () => {
  it('top-level states', () => {
    const placed = [...SPINE, ...Object.keys(LANES)];
    expect(placed.toSorted()).toEqual(names.filter((name) => !name.includes('.')).toSorted());
    expect(Object.keys(SUMMARIES).toSorted()).toEqual(placed.toSorted());
  });

  it('inner states', () => {
    const placed = [...cells, ...steps].map(({ state }) => state);
    expect(placed.toSorted()).toEqual(names.filter((name) => name.includes('.')).toSorted());
    for (const [outer, inner] of Object.entries({ ...LANES, ...STEPS }))
      for (const { state } of inner) expect(outerOf(state)).toBe(outer);
    for (const { under } of cells) expect(SPINE).toContain(under);
  });
});

it('every transition between top-level states has a line, and every line has a transition', () => {
  const isDrawn = ({ from, to }: { from: string; to: string }) =>
    outerOf(from) !== outerOf(to) || from === to;
  const pairs = life.transitions
    .filter(isDrawn)
    .map(({ from, to }) => `${outerOf(from)} ${outerOf(to)}`);
  const placed = LINES.map(({ from, to }) => `${from} ${to}`);
  expect(placed.toSorted()).toEqual([...new Set(pairs)].toSorted());
});

it('steps are in order: each transition within a state leads to a later step', () => {
  const order = steps.map(({ state }) => state);
  const inner = life.transitions.filter(
    ({ from, to }) => outerOf(from) === outerOf(to) && from !== to,
  );
  expect(inner.length).toBeGreaterThan(8);
  for (const { from, to } of inner) expect(order.indexOf(from)).toBeLessThan(order.indexOf(to));
});

it('reads transitions that are objects, lists, strings, or without a target', () => {
  const on = { go: 'b', stay: {}, leave: [{ target: '#lockex.c.d' }, { target: 'b' }] };
  expect(lifeOf({ states: { a: { description: 'A', on }, b: {} } })).toEqual({
    states: [
      { name: 'a', description: 'A' },
      { name: 'b', description: '' },
    ],
    transitions: [
      { from: 'a', to: 'b', event: 'go' },
      { from: 'a', to: 'c.d', event: 'leave' },
      { from: 'a', to: 'b', event: 'leave' },
    ],
  });
});
