/** The judge's rules for semaphores and shared locks. */
import { describe, expect, it } from 'vitest';
import {
  type Access,
  type Figures,
  type HistoryEvent,
  type JournalEntry,
  judge,
  type LockRules,
} from './journal.ts';

/** A run named by its contender and its token, such as `c1.7`. */
function run(name: string, access: Access) {
  const [contender = '', token] = name.split('.');
  const entry =
    (event: JournalEntry['event']) =>
    (at: number, value?: number): JournalEntry => ({
      ...{ at, event, contender, run: name, pid: 1, token: Number(token), access },
      ...(value !== undefined && { value }),
    });
  return {
    begin: entry('begin'),
    step: entry('step'),
    read: entry('read'),
    write: entry('write'),
    wrote: entry('wrote'),
    end: entry('end'),
    /** Alive from `first` to `last`. */
    lives: (first: number, last: number) => [entry('begin')(first), entry('end')(last)],
  };
}

function judgeBy(rules: LockRules) {
  return (...events: (HistoryEvent | HistoryEvent[])[]): Figures & { verdict: string } => {
    // Ordered by time, as in the journal.
    const history = events.flat().toSorted((a, b) => a.at - b.at);
    const counter = history.reduce((newest, event) => {
      return event.event === 'wrote' ? (event.value ?? 0) : newest;
    }, 0);
    const verdict = judge(history, counter, rules);
    if (verdict.verdict === 'unknown') throw new Error(`unknown: ${verdict.reason}`);
    return verdict;
  };
}

const FLAWLESS = { verdict: 'valid', overlaps: [], staleEntries: 0, tokensNotNewer: 0 };

describe('a semaphore of two permits', () => {
  const figures = judgeBy({ kind: 'semaphore', permits: 2 });
  const permit = (name: string) => run(name, 'permit');
  const [a, b, c, d] = [permit('c1.1'), permit('c2.2'), permit('c3.3'), permit('c4.4')];

  it('allows two runs at once', () => {
    const verdict = figures(a.lives(1, 50), b.lives(10, 20), c.lives(21, 60), d.lives(51, 55));
    expect(verdict).toMatchObject({ ...FLAWLESS, acquisitions: 4, atOnce: 2 });
  });

  it('does not allow three', () => {
    const verdict = figures(a.lives(1, 50), b.lives(10, 40), c.lives(21, 60));
    expect(verdict).toMatchObject({
      verdict: 'invalid',
      overlaps: [{ first: 'c1.1, c2.2', second: 'c3.3', from: 21, lengthUs: 19 }],
    });
  });

  it('does not allow three for a microsecond', () => {
    expect(figures(a.lives(1, 50), b.lives(10, 21), c.lives(21, 60)).overlaps).toHaveLength(1);
    expect(figures(a.lives(1, 50), b.lives(10, 20), c.lives(21, 60)).overlaps).toEqual([]);
  });

  it('counts two overlaps for four at once', () => {
    const verdict = figures(a.lives(1, 9), b.lives(2, 9), c.lives(3, 9), d.lives(4, 9));
    expect(verdict.overlaps).toHaveLength(2);
    expect(verdict.atOnce).toBe(4);
  });

  it('allows holders to begin in another order than their grants', () => {
    expect(figures(b.lives(1, 50), a.lives(10, 60))).toMatchObject(FLAWLESS);
    const late = figures(a.lives(1, 20), c.lives(21, 50), b.lives(30, 60));
    expect(late).toMatchObject({ ...FLAWLESS, atOnce: 2 });
  });

  it('has a stale run if it begins after two newer permits were held at once', () => {
    const verdict = figures(b.lives(1, 10), c.lives(2, 10), a.lives(20, 30));
    expect(verdict).toMatchObject({ verdict: 'invalid', overlaps: [], tokensNotNewer: 1 });
    expect(verdict.staleEntries).toBe(2);
  });

  it('has stale entries if an older run continues after two newer permits were held at once', () => {
    const verdict = figures(a.begin(1), b.lives(2, 10), c.lives(3, 10), a.step(20), a.step(21));
    expect(verdict).toMatchObject({ verdict: 'invalid', staleEntries: 2, tokensNotNewer: 0 });
  });

  it('counts a permit from the begin of the first run with a newer token', () => {
    // No three runs are alive at once, but three permits exist at 10: b's was made before c's.
    const verdict = figures(a.lives(1, 20), c.lives(10, 50), b.lives(30, 60));
    expect(verdict).toMatchObject({ verdict: 'invalid', overlaps: [], atOnce: 2, staleEntries: 1 });
  });

  it('does not allow a token twice', () => {
    const again = run('c9.1', 'permit');
    const verdict = figures(a.lives(1, 10), again.lives(20, 30));
    expect(verdict).toMatchObject({ verdict: 'invalid', tokensNotNewer: 1 });
  });

  it('passes the permit that has been free for longest to the next run', () => {
    const verdict = figures(a.lives(1, 20), b.lives(2, 30), c.lives(33, 50), d.lives(35, 50));
    expect(verdict.takeovers).toEqual([
      { from: 'c1.1', to: 'c3.3', killed: false, goneAt: 20, beganAt: 33 },
      { from: 'c2.2', to: 'c4.4', killed: false, goneAt: 30, beganAt: 35 },
    ]);
  });

  it('has no takeover into a permit that was never held', () => {
    expect(figures(a.lives(1, 20), b.lives(30, 40)).takeovers).toEqual([]);
  });
});

describe('a shared lock', () => {
  const figures = judgeBy({ kind: 'shared' });
  const shared = (name: string) => run(name, 'shared');
  const exclusive = (name: string) => run(name, 'exclusive');

  it('allows any number of shared runs at once, in any order', () => {
    const runs = [3, 1, 4, 2].map((token) => shared(`c${token}.${token}`).lives(10 - token, 20));
    expect(figures(...runs)).toMatchObject({ ...FLAWLESS, atOnce: 4 });
  });

  it.each([
    ['a shared run within an exclusive one', exclusive('c1.1'), shared('c2.2')],
    ['an exclusive run within a shared one', shared('c1.1'), exclusive('c2.2')],
    ['an exclusive run within an exclusive one', exclusive('c1.1'), exclusive('c2.2')],
  ])('does not allow %s', (_, one, other) => {
    expect(figures(one.lives(1, 30), other.lives(10, 20))).toMatchObject({
      verdict: 'invalid',
      overlaps: [{ first: 'c1.1', second: 'c2.2', from: 10, lengthUs: 10 }],
    });
    expect(figures(one.lives(1, 9), other.lives(10, 20))).toMatchObject(FLAWLESS);
  });

  it('finds an exclusive run that overlaps with the longest of several shared runs only', () => {
    const readers = [shared('c1.1').lives(1, 50), shared('c2.2').lives(2, 10)];
    const verdict = figures(...readers, exclusive('c3.3').lives(20, 30));
    expect(verdict.overlaps).toMatchObject([{ first: 'c1.1', second: 'c3.3' }]);
  });

  it.each([
    ['shared', 'exclusive'],
    ['exclusive', 'shared'],
    ['exclusive', 'exclusive'],
  ] as const)(
    'does not allow a %s run with a token older than that of an earlier %s one',
    (late, early) => {
      const verdict = figures(run('c2.2', early).lives(1, 10), run('c1.1', late).lives(20, 30));
      expect(verdict).toMatchObject({ verdict: 'invalid', overlaps: [], tokensNotNewer: 1 });
    },
  );

  it('has stale entries of a shared run after a newer exclusive one, and not after a shared one', () => {
    const reader = shared('c1.1');
    const entries = [reader.begin(1), reader.step(20)];
    expect(figures(entries, exclusive('c2.2').lives(5, 9))).toMatchObject({ staleEntries: 1 });
    expect(figures(entries, shared('c2.2').lives(5, 9))).toMatchObject(FLAWLESS);
  });

  it('does not allow a token twice, also for shared runs', () => {
    const verdict = figures(shared('c1.1').lives(1, 10), shared('c9.1').lives(2, 12));
    expect(verdict).toMatchObject({ verdict: 'invalid', tokensNotNewer: 1 });
  });

  it('counts takeovers when the access changes, and not between shared runs', () => {
    const verdict = figures(
      exclusive('c1.1').lives(1, 10),
      shared('c2.2').lives(12, 30),
      shared('c3.3').lives(13, 20),
      shared('c4.4').lives(35, 40),
      exclusive('c5.5').lives(50, 60),
    );
    expect(verdict.takeovers.map(({ from, to }) => [from, to])).toEqual([
      ['c1.1', 'c2.2'],
      ['c4.4', 'c5.5'],
    ]);
  });

  describe('with a counter', () => {
    const writer = exclusive('c1.1');
    const reader = shared('c2.2');
    const written = [writer.begin(1), writer.write(2, 1), writer.wrote(3, 1), writer.end(4)];

    it('shows shared runs the value of the last exclusive run', () => {
      const reads = [reader.begin(5), reader.read(6, 1), reader.read(7, 1), reader.end(8)];
      expect(figures(written, reads)).toMatchObject({ ...FLAWLESS, reads: 2, wrongReads: 0 });
    });

    it.each([0, 2])('does not show them %i after one increment', (value) => {
      const reads = [reader.begin(5), reader.read(6, value)];
      expect(figures(written, reads)).toMatchObject({ verdict: 'invalid' });
      expect(figures(written, reads).wrongReads).toBe(1);
    });

    it('shows all of them the same result of an interrupted increment', () => {
      const cut = [writer.begin(1), writer.write(2, 1)];
      const rules: LockRules = { kind: 'shared' };
      const reads = (...values: number[]) => [
        ...cut,
        reader.begin(5),
        ...values.map((value, index) => reader.read(6 + index, value)),
      ];
      expect(judge(reads(1, 1), 1, rules)).toMatchObject({ verdict: 'valid', counted: 1 });
      expect(judge(reads(0, 0), 0, rules)).toMatchObject({ verdict: 'valid', counted: 0 });
      expect(judge(reads(0, 1), 1, rules)).toMatchObject({ verdict: 'invalid', wrongReads: 1 });
      expect(judge(reads(1, 0), 0, rules)).toMatchObject({ verdict: 'invalid', wrongReads: 1 });
    });
  });
});

describe('a history that does not fit its lock is unknown', () => {
  it.each<[string, LockRules, JournalEntry[]]>([
    ['a shared run of an exclusive lock', { kind: 'exclusive' }, run('c1.1', 'shared').lives(1, 2)],
    ['a permit of an exclusive lock', { kind: 'exclusive' }, run('c1.1', 'permit').lives(1, 2)],
    ['a permit of a shared lock', { kind: 'shared' }, run('c1.1', 'permit').lives(1, 2)],
    [
      'an exclusive run of a semaphore',
      { kind: 'semaphore', permits: 2 },
      run('c1.1', 'exclusive').lives(1, 2),
    ],
    [
      'a shared run that writes',
      { kind: 'shared' },
      [run('c1.1', 'shared').begin(1), run('c1.1', 'shared').write(2, 1)],
    ],
    [
      'a permit that writes',
      { kind: 'semaphore', permits: 2 },
      [run('c1.1', 'permit').begin(1), run('c1.1', 'permit').write(2, 1)],
    ],
    [
      'a run that changes its access',
      { kind: 'shared' },
      [run('c1.1', 'shared').begin(1), run('c1.1', 'exclusive').end(2)],
    ],
  ])('%s', (_, rules, history) => {
    expect(judge(history, 0, rules)).toEqual({ verdict: 'unknown', reason: expect.any(String) });
  });
});
