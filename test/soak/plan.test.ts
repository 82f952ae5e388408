/** The pure parts of the soak: options, plan and report. */
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
  it('depends on the seed only', () => {
    expect(rounds(7, 50)).toEqual(rounds(7, 50));
    expect(rounds(7, 50)).not.toEqual(rounds(8, 50));
  });

  it('contains all kinds of faults, and sometimes two at once', () => {
    const planned = rounds(7);
    const kinds = new Set(planned.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    expect([...kinds].toSorted()).toEqual([...FAULT_KINDS].toSorted());
    const pairs = planned.filter(({ faults }) => faults.length === 2).length;
    expect(pairs / planned.length).toBeCloseTo(0.3, 1);
  });

  it('draws all variants of the faults between the members', () => {
    const links = rounds(7).flatMap(({ faults }) => faults.filter((fault) => fault.on === 'links'));
    for (const kind of new Set(links.map((fault) => fault.kind))) {
      const some = links.filter((fault) => fault.kind === kind);
      expect(new Set(some.map(({ draw }) => draw % 3)).size, kind).toBe(3);
      expect(new Set(some.map(({ draw }) => draw % 4)).size, kind).toBe(4);
      expect(new Set(some.map(({ holder }) => holder)).size, kind).toBe(2);
    }
  });

  it('delays by less than the session timeout of 4 s', () => {
    const slow = rounds(7).flatMap(({ faults }) =>
      faults.flatMap((fault) => ('slowByMs' in fault ? fault.slowByMs : [])),
    );
    expect(Math.min(...slow)).toBeLessThan(200);
    expect(Math.max(...slow)).toBeGreaterThan(2500);
    expect(Math.max(...slow)).toBeLessThanOrEqual(3000);
  });

  it('never has two faults at one place at once, which could leave no process to kill the command', () => {
    for (const { faults } of rounds(7)) {
      expect(new Set(faults.map(({ on }) => on)).size).toBe(faults.length);
    }
  });

  it('has durations below and above the session timeout of 4 s, at most 9 s', () => {
    const durations = rounds(7).flatMap(({ faults }) => faults.map(({ durationMs }) => durationMs));
    expect(Math.min(...durations)).toBeLessThan(1000);
    expect(Math.max(...durations)).toBeGreaterThan(8000);
    expect(Math.max(...durations)).toBeLessThanOrEqual(9000);
  });
});

it('random streams of one seed differ by name', () => {
  expect(randomOf(1, 'c1').fraction()).not.toBe(randomOf(1, 'c2').fraction());
});

describe('the options', () => {
  const parse = (...argv: string[]) => parseSoakOptions(argv, () => 99);

  it('default to all kinds of locks and a fresh seed', () => {
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

  it('are parsed', () => {
    const argv = ['--minutes', '0.5', '--seed', '0', '--kind', 'lock', '--contenders', '2'];
    expect(parse(...argv, '--keep', '--no-guard')).toEqual({
      minutes: 0.5,
      seed: 0,
      kinds: ['lock'],
      contenders: 2,
      noGuard: true,
      keep: true,
    });
  });

  it('round-trip through the command line in the report', () => {
    for (const argv of [[], ['--kind', 'semaphore', '--no-guard'], ['--contenders', '7']]) {
      const { keep: _, ...options } = parse(...argv);
      const [, args = ''] = commandLineOf(options).split(' -- ');
      expect(parse(...args.split(' '))).toMatchObject(options);
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
  ])('refuse %s %s', (...argv) => {
    expect(() => parse(...argv)).toThrow();
  });
});

describe('the report', () => {
  const entry = (at: number, event: string, run: string, token: number) =>
    `${JSON.stringify({ at, event, contender: 'c1', run, pid: token, token, access: 'exclusive' })}\n`;
  const journal = [
    entry(1000, 'begin', 'c1.1.7', 1),
    entry(2000, 'end', 'c1.1.7', 1),
    entry(4_000_000, 'begin', 'c1.2.8', 2),
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
    failures: ['node left behind: /lockex/soak/x'],
  });

  it('shows figures, failures and the command to replay the faults', () => {
    const report = reportOf(result(journal.join('')));
    expect(report).toContain('lock, 4 contenders: valid\n  acquisitions: 2, at most 1 at once\n');
    expect(report).toContain('\nshared, 5 contenders: unknown: the journal is empty\n');
    expect(report).toMatch(/takeover, all: 1, median 3998 ms, worst 3998 ms/);
    expect(report).toMatch(/takeover, no outage: none/);
    expect(report).toMatch(/stall +1 +takeovers: 1, /);
    expect(report).toContain('FAILED: node left behind: /lockex/soak/x');
    expect(report).toContain('npm run soak -- --minutes 3 --seed 5 --kind all --contenders 9');
  });

  it('of an unknown verdict shows the reason and no figures', () => {
    const report = reportOf(result(`${journal.join('')}{`));
    expect(report).toContain(
      'lock, 4 contenders: unknown: the journal ends in the middle of a line',
    );
    expect(report).not.toContain('overlaps');
  });
});
