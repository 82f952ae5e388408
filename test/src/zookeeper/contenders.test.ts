import { describe, expect, it } from 'vitest';
import {
  blockersOf,
  contendersOf,
  holdersAmong,
  parseContender,
} from '../../../src/zookeeper/contenders.ts';

const lock = (guid: string, sequence: string) => `${guid}__lock__${sequence}`;
const read = (guid: string, sequence: string) => `${guid}__rlock__${sequence}`;
const names = (contenders: readonly { readonly node: string }[]) =>
  contenders.map(({ node }) => node);

describe('a child is a contender', () => {
  it.each([
    ['aa__lock__0000000007', 'exclusive', 7],
    ['aa__rlock__0000000007', 'shared', 7],
    ['_c_4d6f-lock-0000000012', 'exclusive', 12],
    ['aa__lock__-2147483648', 'exclusive', -2147483648],
  ])('%s', (node, kind, sequence) => {
    expect(parseContender(node)).toEqual({ node, kind, sequence });
  });

  it.each(['', 'aa', 'aa__lock__', 'aa__lock__7', 'aa__lock__00000000070', 'x-__lock__'])(
    'not: %j',
    (node) => expect(parseContender(node)).toBeNull(),
  );
});

describe('the order', () => {
  it('is that of the sequence, whatever the GUIDs', () => {
    const children = [lock('a', '0000000010'), lock('z', '0000000002'), lock('m', '0000000009')];
    expect(names(contendersOf(children))).toEqual([
      lock('z', '0000000002'),
      lock('m', '0000000009'),
      lock('a', '0000000010'),
    ]);
  });

  it('goes on where the counter wraps to negative numbers, on older servers', () => {
    const short = parseContender(lock('a', '-000000001'));
    expect(short).toMatchObject({ kind: 'exclusive', sequence: -1 });
    const children = [lock('c', '-2147483647'), lock('a', '2147483647'), lock('b', '-2147483648')];
    expect(names(contendersOf(children))).toEqual([
      lock('a', '2147483647'),
      lock('b', '-2147483648'),
      lock('c', '-2147483647'),
    ]);
  });
});

describe('who blocks whom', () => {
  const children = contendersOf([
    read('a', '0000000001'),
    read('b', '0000000002'),
    lock('c', '0000000003'),
    read('d', '0000000004'),
    lock('e', '0000000005'),
  ]);
  const blockers = (index: number) => {
    const contender = children[index];
    return contender ? names(blockersOf(contender, children)) : null;
  };

  it('shared ones wait for earlier exclusive ones only', () => {
    expect(blockers(0)).toEqual([]);
    expect(blockers(1)).toEqual([]);
    expect(blockers(3)).toEqual([lock('c', '0000000003')]);
  });

  it('exclusive ones wait for everyone before them', () => {
    expect(blockers(2)).toEqual([read('a', '0000000001'), read('b', '0000000002')]);
    expect(blockers(4)).toHaveLength(4);
  });

  it('the holders are all shared ones at the front, or the first', () => {
    expect(names(holdersAmong(children))).toEqual([
      read('a', '0000000001'),
      read('b', '0000000002'),
    ]);
    expect(names(holdersAmong(children.slice(2)))).toEqual([lock('c', '0000000003')]);
    expect(holdersAmong([])).toEqual([]);
  });
});
