/** The page's memory of a run: bounds, earlier moments, the scale of the course, files. */
import { describe, expect, it } from 'vitest';
import type { FeedEntry } from '../../../src/inspector/feed.ts';
import { FrameScheduler } from '../../../src/inspector/page/frame.ts';
import { momentOf } from '../../../src/inspector/page/moment.ts';
import { MAX_BYTES, MAX_ENTRIES, MAX_RENEWALS, Run } from '../../../src/inspector/page/run.ts';
import { nameOfFile, runOfText, textOfRun } from '../../../src/inspector/page/saved-run.ts';
import { MAX_STAYS, Scale } from '../../../src/inspector/page/scale.ts';
import { entry, facts, head, lockView } from './page-entries.ts';

const runOf = (...entries: readonly FeedEntry[]) => {
  const run = new Run(head());
  for (const each of entries) run.add(each);
  return run;
};

describe('a run in memory', () => {
  it('keeps at most 10,000 events and 2 MB, the newest', () => {
    const run = new Run(head());
    const long = { reason: 'x'.repeat(500) };
    for (let number = 1; number <= MAX_ENTRIES + 500; number += 1)
      run.add(entry(number, number, 'waiting'));
    expect(run.entries.length).toBeLessThanOrEqual(MAX_ENTRIES);
    for (let number = 20_000; number < 25_000; number += 1)
      run.add(entry(number, number, 'waiting', ['session.suspended', long]));
    expect(run.bytes).toBeLessThanOrEqual(MAX_BYTES);
    expect(JSON.stringify(run.entries).length).toBeLessThanOrEqual(MAX_BYTES + MAX_ENTRIES);
    expect(run.entries.at(-1)?.number).toBe(24_999);
  });

  it('is not displaced by renewals', () => {
    const run = runOf(entry(1, 1, 'connecting'), entry(2, 2, 'running'));
    for (let number = 3; number < 5000; number += 1)
      run.add(entry(number, number, 'running', ['lease.renewed', {}]));
    expect(run.entries[0]).toMatchObject({ number: 1, state: 'connecting' });
    expect(run.entries.length).toBe(MAX_RENEWALS + 2);
  });

  it('ignores entries that it has, and keeps times in order if the clock is set back', () => {
    const run = runOf(entry(1, 100, 'waiting'), entry(2, 50, 'running'), entry(1, 100, 'waiting'));
    expect(run.entries.map(({ number, at }) => [number, at])).toEqual([
      [1, 100],
      [2, 100],
    ]);
  });
});

describe('an earlier moment', () => {
  const lease = { leftMs: 10_000, stopInMs: 7000 };
  const run = runOf(
    entry(1, 1000, 'waiting'),
    entry(2, 2000, 'running', null, facts({ lease, timeoutMs: 20_000 })),
    entry(3, 6000, 'done'),
  );
  run.addLock({ at: 1500, lock: null, problem: 'first' });
  run.addLock({ at: 2500, lock: null, problem: 'second' });

  it('has its own state, lease and queue', () => {
    const moment = momentOf(run, 5000);
    expect(moment?.entry.number).toBe(2);
    expect(moment?.forMs).toBe(3000);
    expect(moment?.lease).toEqual({ leftMs: 7000, stopInMs: 4000, wholeMs: 20_000 });
    expect(moment?.lock?.problem).toBe('second');
    expect(momentOf(run, 2000)?.lock?.problem).toBe('first');
    expect(momentOf(run, 1000)?.lock).toBeNull();
    expect(momentOf(run, 6000)?.lease).toBeNull();
  });

  it('has the time until -t runs out, from the first session', () => {
    const queued = new Run(head({ waitMs: 30_000 }));
    queued.add(entry(1, 1000, 'connecting'));
    queued.add(entry(2, 2000, 'waiting', ['session.established', {}]));
    expect(momentOf(queued, 12_000)?.waitLeftMs).toBe(20_000);
  });
});

describe('the scale of the course', () => {
  it('widens short stays, and converts times to places and back', () => {
    const run = runOf(
      entry(1, 0, 'waiting'),
      entry(2, 3_600_000, 'locked'),
      entry(3, 3_600_010, 'running'),
    );
    const scale = new Scale(run.stays(), 3_610_010);
    const [waiting, locked] = scale.pieces;
    expect(scale.pieces.at(-1)?.right).toBeCloseTo(1);
    expect((locked?.right ?? 0) - (locked?.left ?? 0)).toBeGreaterThan(0.04);
    expect(waiting?.left).toBe(0);
    for (const time of [0, 1_000_000, 3_600_005, 3_605_000])
      expect(scale.timeAt(scale.xOf(time))).toBeCloseTo(time, 3);
  });

  it('shows a bounded number of stays', () => {
    const states = ['suspended.running', 'running'];
    const entries = Array.from({ length: 1000 }, (_, index) =>
      entry(index + 1, index, states[index % 2] ?? ''),
    );
    expect(new Scale(runOf(...entries).stays(), 1000).pieces).toHaveLength(MAX_STAYS);
  });
});

describe('a saved run', () => {
  const run = runOf(entry(1, 1_795_789_031_000, 'waiting'), entry(2, 1_795_789_032_000, 'done'));
  run.addLock({ at: 1_795_789_031_500, lock: lockView(), problem: null });
  run.exitCode = 7;

  it('is the same run after it is opened', () => {
    const opened = runOfText(textOfRun(run, 0));
    expect(opened.entries).toEqual(run.entries);
    expect(opened.locks).toEqual(run.locks);
    expect(opened).toMatchObject({ head: run.head, exitCode: 7 });
    expect(nameOfFile(run)).toMatch(/^lockex-redis-\d{8}T\d{6}Z\.json$/);
  });

  it.each([
    ['', 'not a JSON file'],
    ['[]', 'the file is not an object'],
    ['{"format":"x"}', 'not a saved run of lockex'],
    ['{"format":"lockex run","version":2}', 'saved in format 2; this page reads format 1'],
    ['{"format":"lockex run","version":1,"head":{}}', 'lockId is not a text'],
  ])('that is damaged is refused: %s', (text, problem) => {
    expect(() => runOfText(text)).toThrow(problem);
  });

  it('is refused if any part that the page reads has another type', () => {
    const text = textOfRun(run, 0);
    for (const [part, other] of [
      ['"state":"done"', '"state":7'],
      ['"lease":null', '"lease":{}'],
      ['"event":null', '"event":{"type":1}'],
      ['"holders":[]', '"holders":{}'],
      ['"at":1795789032000', '"at":1e300'],
      ['"exitCode":7', '"exitCode":"7"'],
    ] as const) {
      expect(text).toContain(part);
      expect(() => runOfText(text.replace(part, other)), other).toThrow('damaged file');
    }
  });
});

it('a burst of 200 events is drawn once', () => {
  const frames: (() => void)[] = [];
  let draws = 0;
  const frame = new FrameScheduler(
    () => {
      draws += 1;
    },
    (callback) => frames.push(callback),
  );
  for (let event = 0; event < 200; event += 1) frame.request();
  expect(frames).toHaveLength(1);
  frames.pop()?.();
  expect(draws).toBe(1);
  frame.request();
  expect(frames).toHaveLength(1);
});
