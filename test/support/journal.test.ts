import { describe, expect, it } from 'vitest';
import {
  type Figures,
  type HistoryEvent,
  type JournalEntry,
  judge,
  judgeJournal,
  type Kill,
} from './journal.ts';

/** A run of contender `c…`; its token is the number after the dot by default. */
function run(name: string, token = Number(name.split('.')[1]), pid = 1) {
  const contender = name.split('.')[0] ?? '';
  const entry = (event: JournalEntry['event']) => (at: number) =>
    ({ at, event, contender, run: name, pid, token, access: 'exclusive' }) as const;
  const counting = (event: JournalEntry['event']) => (at: number, value: number) => ({
    ...entry(event)(at),
    value,
  });
  return {
    begin: entry('begin'),
    step: entry('step'),
    end: entry('end'),
    write: counting('write'),
    wrote: counting('wrote'),
  };
}

const a = run('c1.1');
const b = run('c2.2');
const kill = (contender: string, at: number): Kill => ({ at, event: 'kill', contender });
const text = (...entries: JournalEntry[]) =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

function figures(
  history: readonly HistoryEvent[],
  finalCounter = 0,
): Figures & { verdict: string } {
  const verdict = judge(history, finalCounter);
  if (verdict.verdict === 'unknown') throw new Error(`unknown: ${verdict.reason}`);
  return verdict;
}

describe('overlaps', () => {
  it('two consecutive runs do not overlap', () => {
    const verdict = figures([a.begin(10), a.end(20), b.begin(21), b.end(30)]);
    expect(verdict).toMatchObject({ verdict: 'valid', acquisitions: 2, overlaps: [] });
  });

  it('two runs alive in the same microsecond overlap', () => {
    const verdict = figures([a.begin(10), a.end(20), b.begin(20), b.end(30)]);
    expect(verdict).toMatchObject({
      verdict: 'invalid',
      overlaps: [{ first: 'c1.1', second: 'c2.2', from: 20, lengthUs: 0 }],
    });
  });

  it('an overlap lasts while both are alive', () => {
    const verdict = figures([a.begin(10), b.begin(17), a.step(20), b.end(30)]);
    expect(verdict.overlaps).toEqual([{ first: 'c1.1', second: 'c2.2', from: 17, lengthUs: 3 }]);
  });

  it('a run within another one overlaps for its whole life', () => {
    const verdict = figures([a.begin(10), b.begin(12), b.end(15), a.end(30)]);
    expect(verdict.overlaps).toEqual([{ first: 'c1.1', second: 'c2.2', from: 12, lengthUs: 3 }]);
  });

  it('a run that outlives several overlaps with each of them', () => {
    const c = run('c3.3');
    const verdict = figures([a.begin(1), b.begin(5), b.end(6), c.begin(8), c.end(9), a.end(10)]);
    expect(verdict.overlaps.map(({ second }) => second)).toEqual(['c2.2', 'c3.3']);
  });

  it('processes of a run keep it alive after its end', () => {
    const child = run('c1.1', 1, 99);
    const verdict = figures([a.begin(10), a.end(20), child.step(25), b.begin(25), b.end(30)]);
    expect(verdict.overlaps).toHaveLength(1);
    expect(figures([a.begin(10), a.end(20), child.step(25), b.begin(26)]).verdict).toBe('valid');
  });

  it('the order of entries of different processes in the journal is irrelevant', () => {
    expect(figures([b.begin(21), b.end(30), a.begin(10), a.end(20)]).verdict).toBe('valid');
    expect(figures([b.begin(19), b.end(30), a.begin(10), a.end(20)]).overlaps).toHaveLength(1);
  });

  it('the same contender can overlap with itself', () => {
    const again = run('c1.2', 2, 2);
    expect(figures([a.begin(10), again.begin(15), a.end(20)]).overlaps).toHaveLength(1);
  });
});

describe('fencing tokens', () => {
  it('an entry after the first entry of a newer token is stale, each one', () => {
    const verdict = figures([a.begin(10), b.begin(11), a.step(12), a.step(13), b.step(14)]);
    expect(verdict).toMatchObject({ verdict: 'invalid', staleEntries: 2 });
  });

  it('must increase from run to run', () => {
    const late = run('c2.x', 1);
    const verdict = figures([a.begin(10), a.end(20), late.begin(30), late.end(40)]);
    expect(verdict).toMatchObject({ verdict: 'invalid', overlaps: [], tokensNotNewer: 1 });
  });

  it('a token must be newer than all earlier ones, not only the last', () => {
    const c = run('c3.x', 3);
    const d = run('c4.x', 2);
    const verdict = figures([b.begin(1), c.begin(2), d.begin(3)]);
    expect(verdict.tokensNotNewer).toBe(1);
  });
});

describe('the counter', () => {
  const increments = [a.begin(1), a.write(2, 1), a.wrote(3, 1), a.write(4, 2), a.wrote(5, 2)];

  it('that equals the completed increments has lost none', () => {
    expect(figures(increments, 2)).toMatchObject({
      verdict: 'valid',
      completed: 2,
      lostUpdates: 0,
    });
  });

  it.each([1, 3])('that ends as %i after two increments has lost an update', (counter) => {
    expect(figures(increments, counter)).toMatchObject({ verdict: 'invalid', lostUpdates: 1 });
  });

  it('may or may not include an interrupted increment', () => {
    const cut = [...increments, a.write(6, 3)];
    expect(figures(cut, 2)).toMatchObject({ verdict: 'valid', completed: 2, counted: 0 });
    expect(figures(cut, 3)).toMatchObject({ verdict: 'valid', completed: 2, counted: 1 });
    expect(figures(cut, 1).lostUpdates).toBe(1);
    expect(figures(cut, 4).lostUpdates).toBe(1);
  });

  it('read by the next run shows whether the interrupted increment was effective', () => {
    const cut = [...increments, a.write(6, 3), b.begin(10)];
    expect(figures([...cut, b.write(11, 3), b.wrote(12, 3)], 3)).toMatchObject({
      verdict: 'valid',
      completed: 3,
      counted: 0,
    });
    expect(figures([...cut, b.write(11, 4), b.wrote(12, 4)], 4)).toMatchObject({
      verdict: 'valid',
      completed: 3,
      counted: 1,
    });
  });

  it('read before another’s write and written after it has lost that update', () => {
    const verdict = figures(
      [a.begin(1), b.begin(2), a.write(3, 1), a.wrote(4, 1), b.write(5, 1), b.wrote(6, 1)],
      1,
    );
    expect(verdict.lostUpdates).toBe(1);
  });

  it('read by two at once has lost an update, in either order of their writes', () => {
    const before = [a.begin(1), b.begin(2), a.write(3, 1), b.write(4, 1)];
    for (const after of [
      [a.wrote(5, 1), b.wrote(6, 1)],
      [b.wrote(5, 1), a.wrote(6, 1)],
    ]) {
      expect(figures([...before, ...after], 1).lostUpdates).toBeGreaterThan(0);
    }
  });

  it('that loses an update invalidates a history without an overlap', () => {
    const history = [a.begin(1), a.write(2, 1), a.wrote(3, 1), a.end(4), b.begin(5)];
    const verdict = figures([...history, b.write(6, 1), b.wrote(7, 1), b.end(8)], 1);
    expect(verdict).toMatchObject({ verdict: 'invalid', overlaps: [], lostUpdates: 1 });
  });
});

describe('a takeover', () => {
  const takeover = (...history: HistoryEvent[]) => figures(history).takeovers;

  it('lasts from the end of a holder to the next begin', () => {
    expect(takeover(a.begin(10), a.end(20), b.begin(33))).toEqual([
      { from: 'c1.1', to: 'c2.2', killed: false, goneAt: 20, beganAt: 33 },
    ]);
  });

  it('lasts from the kill if the holder had not ended', () => {
    const child = run('c1.1', 1, 99);
    const killed = takeover(a.begin(10), child.step(25), kill('c1', 22), b.begin(33));
    expect(killed).toMatchObject([{ killed: true, goneAt: 22, beganAt: 33 }]);
  });

  it('lasts from the last entry, when the kill came shortly after it', () => {
    const killed = takeover(a.begin(10), a.step(20), kill('c1', 22), b.begin(33));
    expect(killed).toMatchObject([{ killed: true, goneAt: 20 }]);
  });

  it.each([
    ['of a contender that only waited', kill('c2', 15)],
    ['before the holder began', kill('c1', 9)],
    ['after the next one had begun', kill('c1', 34)],
  ])('is not attributed to a kill %s', (_, other) => {
    expect(takeover(a.begin(10), a.step(20), other, b.begin(33))).toMatchObject([
      { killed: false, goneAt: 20 },
    ]);
  });

  it('is not attributed to a kill of a holder that had ended', () => {
    expect(takeover(a.begin(10), a.end(20), kill('c1', 21), b.begin(33))).toMatchObject([
      { killed: false, goneAt: 20 },
    ]);
  });

  it('is not counted into an overlap, and later starts at the end of the longer run', () => {
    const c = run('c3.3');
    expect(takeover(a.begin(10), b.begin(12), b.end(15), a.end(30), c.begin(40))).toEqual([
      { from: 'c1.1', to: 'c3.3', killed: false, goneAt: 30, beganAt: 40 },
    ]);
  });
});

describe('a malformed history is unknown, even with violations', () => {
  const fine = [a.begin(1), a.write(2, 1), a.wrote(3, 1), a.end(4)];

  it.each<[string, HistoryEvent[]]>([
    ['without any run', []],
    ['of kills only', [kill('c1', 5)]],
    ['with an entry before its run begins', [...fine, b.step(5)]],
    ['with a run that begins twice', [...fine, a.begin(9)]],
    ['with a run that changes its token', [a.begin(1), run('c1.1', 7).step(2)]],
    ['with a run that changes its contender', [a.begin(1), { ...a.step(2), contender: 'c9' }]],
    ['with a process whose clock went back', [a.begin(2), a.step(5), a.step(4)]],
    ['with work after the end', [...fine, a.write(5, 2)]],
    ['with an increment within an increment', [a.begin(1), a.write(2, 1), a.write(3, 2)]],
    ['with a time that is not a number', [...fine, b.begin(Number.NaN)]],
    ['with a time between microseconds', [...fine, b.begin(5.5)]],
    ['with a kill without a time', [...fine, kill('c1', Number.NaN)]],
  ])('%s', (_, history) => {
    expect(judge(history, 1)).toEqual({ verdict: 'unknown', reason: expect.any(String) });
  });

  it('with a counter that is not a number', () => {
    expect(judge(fine, 1).verdict).toBe('valid');
    expect(judge(fine, Number.NaN).verdict).toBe('unknown');
  });

  it('even with an overlap', () => {
    const overlapping = [a.begin(1), b.begin(2), a.step(3)];
    expect(judge(overlapping, 0).verdict).toBe('invalid');
    expect(judge([...overlapping, run('c3.3').step(4)], 0).verdict).toBe('unknown');
  });
});

describe('a journal', () => {
  const lines = text(a.begin(1), a.write(2, 1), a.wrote(3, 1), a.end(4));
  const withLine = (line: string) => judgeJournal(`${lines}${line}\n`, 1);

  it('is JSON, an entry a line, padded or not; kills come from elsewhere', () => {
    expect(judgeJournal(lines, 1)).toMatchObject({ verdict: 'valid', completed: 1 });
    expect(judgeJournal(lines.replaceAll('}\n', '}    \n'), 1).verdict).toBe('valid');
    const cut = text(a.begin(1), a.step(5), b.begin(9));
    expect(judgeJournal(cut, 0, [kill('c1', 4)])).toMatchObject({
      takeovers: [{ killed: true, goneAt: 4 }],
    });
  });

  it('that is empty is unknown', () => {
    expect(judgeJournal('', 0).verdict).toBe('unknown');
  });

  it('that ends in the middle of a line is unknown', () => {
    for (let length = 1; length < lines.length; length++) {
      const cut = lines.slice(0, length);
      if (!cut.endsWith('\n')) expect(judgeJournal(cut, 1).verdict).toBe('unknown');
    }
    // Cut in the padding of a line, the entry is complete, but the line is not.
    expect(judgeJournal(lines.replaceAll('}\n', '}  \n').slice(0, -1), 1).verdict).toBe('unknown');
  });

  it.each([
    ['an empty line', ''],
    ['no JSON', '{"at":5,"event":"st'],
    ['two lines in one', text(b.begin(5), b.step(6)).replace('\n', '')],
    ['null', 'null'],
    ['a list', '[]'],
    ['an unknown event', JSON.stringify({ ...b.begin(5), event: 'rest' })],
    ['a kill, which journals do not contain', JSON.stringify(kill('c1', 5))],
    ['a time as text', JSON.stringify({ ...b.begin(5), at: '5' })],
    ['a negative time', JSON.stringify({ ...b.begin(5), at: -5 })],
    ['no token', JSON.stringify({ ...b.begin(5), token: undefined })],
    ['a token beyond exact numbers', JSON.stringify({ ...b.begin(5), token: 2 ** 53 })],
    ['no run', JSON.stringify({ ...b.begin(5), run: '' })],
    ['no access', JSON.stringify({ ...b.begin(5), access: undefined })],
    ['an unknown access', JSON.stringify({ ...b.begin(5), access: 'toString' })],
    ['a write of 0', JSON.stringify({ ...a.step(3), event: 'write', value: 0 })],
    ['a read without a value', JSON.stringify({ ...a.step(3), event: 'read' })],
    ['a write without a value', JSON.stringify({ ...a.step(3), event: 'write' })],
    ['a begin with a value', JSON.stringify({ ...b.begin(5), value: 1 })],
  ])('with %s for a line is unknown', (_, line) => {
    expect(withLine(JSON.stringify(b.begin(5))).verdict).toBe('valid');
    expect(withLine(line)).toMatchObject({ verdict: 'unknown', reason: /^line 5 / });
  });
});
