/** Derives holders and waiters from the nodes of a lock. */
import { describe, expect, it } from 'vitest';
import { type ChildNode, isHeld, viewOf } from '../../../src/status/view.ts';
import { encodeNodeData } from '../../../src/zookeeper/recipes/node-data.ts';

const LOCKEX_DATA = encodeNodeData({
  host: 'db1',
  pid: 4711,
  user: 'redis',
  command: 'redis-server',
  version: '1.0.0',
});

const child = (name: string, czxid: number, data: Buffer | string = ''): ChildNode => ({
  name,
  data: Buffer.from(data),
  ctime: Date.UTC(2026, 0, 2, 3, 4, 5),
  czxid: BigInt(czxid),
});

const lock = (...children: ChildNode[]) =>
  viewOf('x', '/lockex/x', { data: undefined, children, queue: [] });

describe('a lock', () => {
  it('is held by the lowest sequence number; the others wait in order', () => {
    const view = lock(
      child('b__lock__0000000012', 30),
      child('a__lock__0000000010', 10, LOCKEX_DATA),
      child('c-lock-0000000011', 20),
    );
    expect(view).toMatchObject({ id: 'x', path: '/lockex/x', kind: 'lock', permits: 1 });
    expect(view.holders).toEqual([
      {
        node: 'a__lock__0000000010',
        by: 'lockex',
        shared: false,
        host: 'db1',
        pid: 4711,
        user: 'redis',
        command: 'redis-server',
        says: null,
        since: '2026-01-02T03:04:05.000Z',
        fencingToken: '10',
      },
    ]);
    expect(view.waiters.map(({ by, fencingToken }) => [by, fencingToken])).toEqual([
      ['curator', null],
      ['kazoo', null],
    ]);
    expect(isHeld(view)).toBe(true);
  });

  it('may have several holders if they share it', () => {
    const view = lock(
      child('a__rlock__0000000001', 1),
      child('b__rlock__0000000002', 2),
      child('c__lock__0000000003', 3),
      child('d__rlock__0000000004', 4),
    );
    expect(view.holders.map(({ node }) => node[0])).toEqual(['a', 'b']);
    expect(view.waiters.map(({ node }) => node[0])).toEqual(['c', 'd']);
  });

  it('has neither time nor token of a holder whose node must not be read', () => {
    const denied = { name: 'a__lock__0000000001', data: undefined, ctime: null, czxid: null };
    expect(lock(denied).holders).toMatchObject([{ pid: null, since: null, fencingToken: null }]);
  });

  it('is free without contenders', () => {
    expect(isHeld(lock(child('config', 1)))).toBe(false);
    expect(isHeld(lock())).toBe(false);
  });
});

describe('a semaphore', () => {
  const pool = (permits: number, children: ChildNode[], queue: ChildNode[] = []) =>
    viewOf('x', '/lockex/x', { data: Buffer.from(String(permits)), children, queue });

  it('counts a permit of unknown age as held', () => {
    const denied = { name: 'denied', data: undefined, ctime: null, czxid: null };
    const { holders } = pool(2, [child('one', 10), child('two', 20), denied]);
    expect(holders.map(({ node }) => node)).toEqual(['denied', 'one']);
  });

  it('is held by its N oldest permits; contenders for its inner lock wait', () => {
    const view = pool(
      2,
      [child('three', 30), child('one', 10, LOCKEX_DATA), child('two', 20, 'python')],
      [child('w__lock__0000000002', 50), child('v__lock__0000000001', 40)],
    );
    expect(view).toMatchObject({ kind: 'semaphore', permits: 2 });
    expect(view.holders.map(({ node, fencingToken }) => [node, fencingToken])).toEqual([
      ['one', '10'],
      ['two', '20'],
    ]);
    expect(view.holders[1]).toMatchObject({ by: 'kazoo', says: 'python', host: null });
    expect(view.waiters.map(({ node }) => node[0])).toEqual(['v', 'w']);
  });

  it('does not show a contender that has its permit as waiting', () => {
    const view = pool(2, [child('g', 10)], [child('g__lock__0000000001', 5)]);
    expect(view.waiters).toEqual([]);
  });
});

describe('the creation time of a node', () => {
  const since = (ctime: number) =>
    lock({ ...child('a__lock__0000000001', 1), ctime }).holders[0]?.since;

  it.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [253_402_300_799_999, '9999-12-31T23:59:59.999Z'],
    [253_402_300_800_000, null],
    [-62_135_596_800_000, '0001-01-01T00:00:00.000Z'],
    [-62_135_596_800_001, null],
    [Number(2n ** 63n - 1n), null],
    [-Number(2n ** 63n), null],
    [Number.NaN, null],
  ])('%d ms is %s', (ctime, expected) => {
    expect(since(ctime)).toBe(expected);
  });
});

describe('data of other clients', () => {
  it.each([
    '',
    '   ',
    '{',
    '[]',
    'null',
    '{"host":1,"pid":"x"}',
    '\u0000\u001b[2J',
    'é'.repeat(999),
  ])('is read as text, at most 200 characters: %j', (data) => {
    const [holder] = lock(child('a__lock__0000000001', 1, data)).holders;
    expect(holder).toMatchObject({ by: 'kazoo', host: null, pid: null, command: null });
    expect((holder?.says ?? '').length).toBeLessThanOrEqual(200);
  });
});
