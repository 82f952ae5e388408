/** Nodes of other recipes among a lock's children. */
import { expect, it } from 'vitest';
import { foreignNodeAmong } from '../../../../src/zookeeper/recipes/foreign-recipes.ts';

const KAZOO = ['a__lock__0000000001', 'b__rlock__0000000002'];
const CURATOR = '_c_5f1c6a2e-0000-0000-0000-000000000000-lock-0000000003';

it('reports no nodes of our own recipe', () => {
  expect(foreignNodeAmong(KAZOO, 'kazoo')).toBeNull();
  expect(foreignNodeAmong([CURATOR], 'curator')).toBeNull();
});

it('reports nodes of the other recipe', () => {
  expect(foreignNodeAmong([...KAZOO, CURATOR], 'kazoo')).toMatchObject({ node: CURATOR });
  expect(foreignNodeAmong([CURATOR, ...KAZOO], 'curator')).toMatchObject({ node: KAZOO[0] });
});

it.each([
  '_c_5f1c6a2e-__WRIT__0000000001',
  '_c_5f1c6a2e-__READ__0000000001',
  '_c_5f1c6a2e-latch-0000000001',
  'x-72057594037927936-0000000001',
  'ex0000000001',
  'leases',
  'locks',
])('reports nodes of unknown recipes: %s', (node) => {
  for (const recipe of ['kazoo', 'curator'] as const) {
    expect(foreignNodeAmong([...(recipe === 'kazoo' ? KAZOO : [CURATOR]), node], recipe)).toEqual({
      node,
      warning: expect.stringContaining('neither excludes the other'),
    });
  }
});

it.each(['', 'notes', 'x-__lock__'])('reports no node that is not a contender: %j', (node) => {
  expect(foreignNodeAmong([node], 'kazoo')).toBeNull();
});
