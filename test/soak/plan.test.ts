/** What the soak decides without touching anything: its options, its draws, its words. */
import { describe, expect, it } from 'vitest';
import { judgeJournal } from '../support/journal.ts';
import { randomOf } from '../support/random.ts';
import { FAULT_KINDS, planRound } from './fault.ts';
import { parseSoakOptions } from './options.ts';
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
    expect(pairs / planned.length).toBeCloseTo(0.25, 1);
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

  it('have defaults, the seed a fresh one', () => {
    expect(parse()).toEqual({ minutes: 2, seed: 99, contenders: 4, keep: false });
  });

  it('are taken as given', () => {
    const given = parse('--minutes', '0.5', '--seed', '0', '--contenders', '2', '--keep');
    expect(given).toEqual({ minutes: 0.5, seed: 0, contenders: 2, keep: true });
  });

  it.each([
    ['--minutes', '0'],
    ['--minutes', 'x'],
    ['--minutes', '1e9'],
    ['--seed', '-1'],
    ['--seed', ''],
    ['--contenders', '1'],
    ['--hours', '1'],
  ])('refuse %s %s', (...words) => {
    expect(() => parse(...words)).toThrow();
  });
});

describe('the report', () => {
  const deed = (at: number, event: string, run: string, token: number) =>
    `${JSON.stringify({ at, event, contender: 'c1', run, pid: token, token })}\n`;
  const journal = [
    deed(1000, 'begin', 'c1.1.7', 1),
    deed(2000, 'end', 'c1.1.7', 1),
    deed(4_000_000, 'begin', 'c1.2.8', 2),
  ];
  const result = (text: string): SoakResult => ({
    minutes: 3,
    lastedMinutes: 3.04,
    seed: 5,
    contenders: 4,
    verdict: judgeJournal(text, 0),
    faults: [{ kind: 'stall', target: 'c1', madeAt: 3000, healedAt: 5000 }],
    missed: 0,
    endings: new Map([['0', 2]]),
    failures: ['a node is left: /lockex/soak/x'],
  });

  it('says what there was, what failed and how to replay it', () => {
    const report = reportOf(result(journal.join('')));
    expect(report).toContain('verdict: valid\nacquisitions: 2\n');
    expect(report).toMatch(/take-over, all: 1, median 3998 ms, worst 3998 ms/);
    expect(report).toMatch(/take-over, no outage: none/);
    expect(report).toMatch(/stall +1 +take-overs: 1, /);
    expect(report).toContain('FAILED: a node is left: /lockex/soak/x');
    expect(report).toContain('npm run soak -- --minutes 3 --seed 5 --contenders 4');
  });

  it('of a journal that can’t be judged says why, and gives no figures', () => {
    const report = reportOf(result(`${journal.join('')}{`));
    expect(report).toContain('verdict: unknown: the journal ends in the middle of a line');
    expect(report).not.toContain('overlaps');
  });
});
