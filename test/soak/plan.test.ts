/** What the soak decides without any I/O: its options, its plan, its report. */
import { describe, expect, it } from 'vitest';
import { judgeJournal } from '../support/journal.ts';
import { randomOf } from '../support/random.ts';
import { FAULT_KINDS, planRound } from './fault.ts';
import { commandLineOf, LOCK_KINDS, parseSoakOptions } from './options.ts';
import { reportOf, type SoakResult } from './report.ts';

const rounds = (seed: number, count = 2000) => {
  const random = randomOf(seed, 'nemesis');
  return Array.from({ length: count }, () => planRound(random, 4));
};

describe('the plan of the faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(rounds(7, 50)).toEqual(rounds(7, 50));
    expect(rounds(7, 50)).not.toEqual(rounds(8, 50));
  });

  it('holds every kind, and two at once now and then', () => {
    const planned = rounds(7);
    const kinds = new Set(planned.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    expect([...kinds].toSorted()).toEqual([...FAULT_KINDS].toSorted());
    const pairs = planned.filter(({ faults }) => faults.length === 2).length;
    expect(pairs / planned.length).toBeCloseTo(0.3, 1);
  });

  it('draws every variant of the faults between the members', () => {
    const links = rounds(7).flatMap(({ faults }) => faults.filter((fault) => fault.on === 'links'));
    for (const kind of new Set(links.map((fault) => fault.kind))) {
      const some = links.filter((fault) => fault.kind === kind);
      expect(new Set(some.map(({ draw }) => draw % 3)).size, kind).toBe(3);
      expect(new Set(some.map(({ draw }) => draw % 4)).size, kind).toBe(4);
      expect(new Set(some.map(({ holder }) => holder)).size, kind).toBe(2);
    }
  });

  it('slows down within the session timeout of 4 s', () => {
    const slow = rounds(7).flatMap(({ faults }) =>
      faults.flatMap((fault) => ('slowByMs' in fault ? fault.slowByMs : [])),
    );
    expect(Math.min(...slow)).toBeLessThan(200);
    expect(Math.max(...slow)).toBeGreaterThan(2500);
    expect(Math.max(...slow)).toBeLessThanOrEqual(3000);
  });

  it('never strikes twice at one place at once: nothing would be left to kill the command', () => {
    for (const { faults } of rounds(7)) {
      expect(new Set(faults.map(({ on }) => on)).size).toBe(faults.length);
    }
  });

  it('lasts shorter and longer than the session timeout of 4 s, and has an end', () => {
    const durations = rounds(7).flatMap(({ faults }) => faults.map(({ durationMs }) => durationMs));
    expect(Math.min(...durations)).toBeLessThan(1000);
    expect(Math.max(...durations)).toBeGreaterThan(8000);
    expect(Math.max(...durations)).toBeLessThanOrEqual(9000);
  });
});

it('streams of one seed differ by their names', () => {
  expect(randomOf(1, 'c1').fraction()).not.toBe(randomOf(1, 'c2').fraction());
});

describe('the options', () => {
  const parse = (...argv: string[]) => parseSoakOptions(argv, () => 99);

  it('have defaults: all kinds of locks, and a fresh seed', () => {
    expect(parse()).toEqual({
      minutes: 2,
      seed: 99,
      kinds: ['semaphore', 'lock', 'shared'],
      contenders: 9,
      noGuard: false,
      keep: false,
    });
    expect(parse('--kind', 'shared')).toMatchObject({ kinds: ['shared'], contenders: 4 });
  });

  it('are taken as given', () => {
    const given = ['--minutes', '0.5', '--seed', '0', '--kind', 'lock', '--contenders', '2'];
    expect(parse(...given, '--keep', '--no-guard')).toEqual({
      minutes: 0.5,
      seed: 0,
      kinds: ['lock'],
      contenders: 2,
      noGuard: true,
      keep: true,
    });
  });

  it('make the same again by the command line that the report prints', () => {
    for (const argv of [[], ['--kind', 'semaphore', '--no-guard'], ['--contenders', '7']]) {
      const { keep: _, ...options } = parse(...argv);
      const [, words = ''] = commandLineOf(options).split(' -- ');
      expect(parse(...words.split(' '))).toMatchObject(options);
    }
  });

  it.each([
    ['--minutes', '0'],
    ['--minutes', 'x'],
    ['--minutes', '1e9'],
    ['--seed', '-1'],
    ['--seed', ''],
    ['--contenders', '6'],
    ['--contenders', '33'],
    ['--kind', 'mutex'],
    ['--hours', '1'],
  ])('refuse %s %s', (...words) => {
    expect(() => parse(...words)).toThrow();
  });
});

describe('the report', () => {
  const deed = (at: number, event: string, run: string, token: number) =>
    `${JSON.stringify({ at, event, contender: 'c1', run, pid: token, token, access: 'exclusive' })}\n`;
  const journal = [
    deed(1000, 'begin', 'c1.1.7', 1),
    deed(2000, 'end', 'c1.1.7', 1),
    deed(4_000_000, 'begin', 'c1.2.8', 2),
  ];
  const result = (text: string): SoakResult => ({
    options: { minutes: 3, seed: 5, kinds: LOCK_KINDS, contenders: 9, noGuard: false },
    lastedMinutes: 3.04,
    locks: [
      { kind: 'lock', contenders: 4, verdict: judgeJournal(text, 0) },
      { kind: 'shared', contenders: 5, verdict: judgeJournal('', 0) },
    ],
    faults: [{ kind: 'stall', target: 'c1', madeAt: 3000, healedAt: 5000 }],
    missed: 0,
    endings: new Map([['0', 2]]),
    failures: ['a node is left: /lockex/soak/x'],
  });

  it('says what there was, what failed and how to replay it', () => {
    const report = reportOf(result(journal.join('')));
    expect(report).toContain('lock, 4 contenders: valid\n  acquisitions: 2, at most 1 at once\n');
    expect(report).toContain('\nshared, 5 contenders: unknown: the journal is empty\n');
    expect(report).toMatch(/take-over, all: 1, median 3998 ms, worst 3998 ms/);
    expect(report).toMatch(/take-over, no outage: none/);
    expect(report).toMatch(/stall +1 +take-overs: 1, /);
    expect(report).toContain('FAILED: a node is left: /lockex/soak/x');
    expect(report).toContain('npm run soak -- --minutes 3 --seed 5 --kind all --contenders 9');
  });

  it('of a journal that can’t be judged says why, and gives no figures', () => {
    const report = reportOf(result(`${journal.join('')}{`));
    expect(report).toContain(
      'lock, 4 contenders: unknown: the journal ends in the middle of a line',
    );
    expect(report).not.toContain('overlaps');
  });
});
