/** The order of contenders: examples, and random queues. */
import { describe, expect, it } from 'vitest';
import {
  holdersAmong,
  isContender,
  LAST_SEQUENCE,
  placeOf,
  queueOf,
} from '../../../../src/zookeeper/recipes/queue-order.ts';
import { type Random, randomOf } from '../../../support/random.ts';

const lock = (guid: string, sequence: string) => `${guid}__lock__${sequence}`;
const read = (guid: string, sequence: string) => `${guid}__rlock__${sequence}`;
const names = (contenders: readonly { readonly node: string }[]) =>
  contenders.map(({ node }) => node);

describe('a contender', () => {
  it.each([
    ['aa__lock__0000000007', 'exclusive', 7],
    ['aa__rlock__0000000007', 'shared', 7],
    ['_c_4d6f-lock-0000000012', 'exclusive', 12],
    ['aa__lock__2147483647', 'exclusive', LAST_SEQUENCE],
  ])('%s', (node, kind, sequence) => {
    expect(queueOf([node])).toEqual({ contenders: [{ node, kind, sequence }], unordered: [] });
  });

  it.each(['', 'aa', 'aa__lock__', 'aa__lock__x', 'aa__lock__0000000001\n', 'x-__lock__'])(
    'is not: %j',
    (node) => expect(isContender(node)).toBe(false),
  );
});

describe('a number that no server appends has no order', () => {
  it.each([
    ['2147483648', 'beyond the last sequence'],
    ['9999999999', 'beyond the last sequence'],
    ['-2147483648', 'wrapped, on servers before 3.6'],
    ['-000000001', 'wrapped'],
    ['+000000001', 'signed'],
    ['7', 'not padded'],
    ['00000000070', 'eleven digits'],
    ['٠٠٠٠٠٠٠٠٠١', 'other digits'],
    ['−000000001', 'another minus'],
  ])('%s: %s', (sequence) => {
    for (const foreign of [lock('b', sequence), read('b', sequence), `b-lock-${sequence}`]) {
      const ours = lock('a', '0000000000');
      expect(isContender(foreign)).toBe(true);
      expect(queueOf([foreign, ours])).toMatchObject({ unordered: [foreign] });
      const unordered = { kind: 'unordered', node: foreign };
      expect(placeOf(ours, [ours, foreign])).toEqual(unordered);
      expect(placeOf(foreign, [foreign])).toEqual(unordered);
    }
  });
});

describe('the order', () => {
  it('follows the sequence, not the GUID', () => {
    const children = [lock('a', '0000000010'), lock('z', '0000000002'), lock('m', '0000000009')];
    expect(names(queueOf(children).contenders)).toEqual([
      lock('z', '0000000002'),
      lock('m', '0000000009'),
      lock('a', '0000000010'),
    ]);
  });

  it('ends with the last sequence, whose contender is refused', () => {
    const last = lock('a', '2147483647');
    expect(placeOf(last, [last])).toEqual({ kind: 'exhausted' });
    const before = lock('b', '2147483646');
    expect(placeOf(before, [last, before])).toMatchObject({ kind: 'first' });
  });

  it('reports a missing node', () => {
    expect(placeOf(lock('a', '0000000001'), [lock('b', '0000000000')])).toEqual({
      kind: 'missing',
    });
  });
});

describe('exclusion', () => {
  const children = [
    read('a', '0000000001'),
    read('b', '0000000002'),
    lock('c', '0000000003'),
    read('d', '0000000004'),
    lock('e', '0000000005'),
  ];
  const blockers = (index: number) => {
    const place = placeOf(children[index] ?? '', children);
    return place.kind === 'behind' ? names(place.blockers) : place.kind;
  };

  it('shared contenders wait only for earlier exclusive ones', () => {
    expect(blockers(0)).toBe('first');
    expect(blockers(1)).toBe('first');
    expect(blockers(3)).toEqual([lock('c', '0000000003')]);
  });

  it('exclusive contenders wait for all earlier ones', () => {
    expect(blockers(2)).toEqual([read('a', '0000000001'), read('b', '0000000002')]);
    expect(blockers(4)).toHaveLength(4);
  });

  it('the holders are all shared contenders at the front, or the first contender', () => {
    const { contenders } = queueOf(children);
    const shared = [read('a', '0000000001'), read('b', '0000000002')];
    expect(names(holdersAmong(contenders))).toEqual(shared);
    expect(placeOf(children[4] ?? '', children)).toMatchObject({
      holders: shared.map((node) => ({ node })),
    });
    expect(names(holdersAmong(contenders.slice(2)))).toEqual([lock('c', '0000000003')]);
    expect(holdersAmong([])).toEqual([]);
  });
});

describe('in random queues, listed in random order', () => {
  const LISTINGS = 8;

  /** A holder, later contenders, and foreign nodes created by name. */
  function queueBy(random: Random) {
    const start = random.pick([0, 5, 2 ** 30, LAST_SEQUENCE - 20]);
    let sequence = start + random.below(10);
    const next = (mark: string) => {
      sequence += 1 + random.below(3);
      return `${random.below(1e9).toString(36)}${mark}${String(sequence).padStart(10, '0')}`;
    };
    const holder = next('__lock__');
    const marks = ['__lock__', '__rlock__', '-lock-'] as const;
    const later = Array.from({ length: 1 + random.below(4) }, () => next(random.pick(marks)));
    const foreignNodes = Array.from({ length: random.below(4) }, () => {
      const number = random.pick([
        String(sequence + 2 ** 31 - random.below(3)),
        String(start + 2 ** 31 + random.below(5)).padStart(10, '0'),
        String(start - 2 ** 31),
        String(random.below(2 ** 31)).padStart(10, '0'),
        String(random.below(1e9)),
        `-${String(random.below(1e9)).padStart(9, '0')}`,
        `0${String(sequence).padStart(10, '0')}`,
        [...String(sequence)].map((digit) => String.fromCodePoint(0x660 + Number(digit))).join(''),
        '',
        'x',
      ]);
      return `${random.pick(['x', '~', '', '0'])}${random.pick(marks)}${number}`;
    });
    return { holder, later, foreignNodes };
  }

  function shuffled<T>(list: readonly T[], random: Random): T[] {
    return list
      .map((value) => ({ value, at: random.fraction() }))
      .sort((a, b) => a.at - b.at)
      .map(({ value }) => value);
  }

  it('a contender behind a holder is never first, and every listing gives the same place', () => {
    let [waited, unordered] = [0, 0];
    for (let seed = 0; seed < 3000; seed += 1) {
      const random = randomOf(seed, 'queue');
      const { holder, later, foreignNodes } = queueBy(random);
      const children = [...new Set([holder, ...later, ...foreignNodes])];
      for (const contender of later) {
        const places = Array.from({ length: LISTINGS }, () =>
          placeOf(contender, shuffled(children, random)),
        );
        const [place] = places;
        for (const other of places) expect(other, `seed ${seed}`).toEqual(place);
        expect(place?.kind, `seed ${seed}: ${contender} in ${children}`).not.toBe('first');
        if (place?.kind === 'behind') {
          waited += 1;
          expect(place.blockers.every(({ node }) => children.includes(node))).toBe(true);
        }
        if (place?.kind === 'unordered') unordered += 1;
      }
    }
    expect(waited).toBeGreaterThan(1000);
    expect(unordered).toBeGreaterThan(1000);
  });
});
