/** The ladder down, with a reach and a clock that the test moves: no process, no waiting. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import type { ProcessRecord } from '../../../src/command/process-table.ts';
import type { Reach } from '../../../src/command/reach.ts';
import { Stopping } from '../../../src/command/stopping.ts';
import { Stopwatch } from '../../../src/command/stopwatch.ts';

class ManualClock implements Clock {
  #now = 1000;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  /** Timers in their order, each at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.clearTimeout(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  /** The loop was blocked: what was due comes late, all at once. */
  stall(ms: number): void {
    this.#now += ms;
    this.advance(0);
  }
}

const PROCESS: ProcessRecord = {
  pid: 7,
  start: 1,
  name: 'stuck',
  state: 'D',
  parent: 1,
  group: 7,
  session: 7,
};

function ladder({ hasExited = false } = {}) {
  const clock = new ManualClock();
  const told: string[] = [];
  const state = { isEmpty: false, hasExited };
  const reach: Reach = {
    name: 'made up',
    isEmpty: () => state.isEmpty,
    living: () => [PROCESS],
    signal: (signal) => told.push(`${signal} ${clock.now()}`),
    kill: () => told.push(`SIGKILL ${clock.now()}`),
    record: () => [],
    close: () => {},
  };
  const stopping = new Stopping({
    reach,
    clock,
    hasExited: () => state.hasExited,
    onUndying: (processes) => told.push(`undying ${processes.join()}`),
    onDone: (means, outlived) => told.push(`done ${means} ${outlived.join()}`),
  });
  return { clock, told, state, stopping };
}

describe('stopping', () => {
  it('sends SIGTERM and SIGCONT once, and SIGKILL when the grace is over', () => {
    const { clock, told, stopping } = ladder();
    stopping.request(2000);
    clock.advance(999);
    expect(told).toEqual(['SIGTERM 1000', 'SIGCONT 1000']);
    clock.advance(1);
    expect(told.at(-1)).toBe('SIGKILL 2000');
  });

  it('goes straight to SIGKILL where there is no grace', () => {
    const { told, stopping } = ladder();
    stopping.request(1000);
    expect(told).toEqual(['SIGKILL 1000']);
  });

  it('is made faster by a second request, and never slower', () => {
    const { clock, told, stopping } = ladder();
    stopping.request(5000);
    stopping.request(1500);
    stopping.request(9000);
    clock.advance(500);
    expect(told).toEqual(['SIGTERM 1000', 'SIGCONT 1000', 'SIGKILL 1500']);
  });

  it('is done when nothing lives and the exit is known, not before', () => {
    const { clock, told, state, stopping } = ladder();
    stopping.request(5000);
    state.isEmpty = true;
    clock.advance(1000);
    expect(told).not.toContain('done SIGTERM ');
    state.hasExited = true;
    stopping.look();
    clock.advance(60_000);
    expect(told).toEqual(['SIGTERM 1000', 'SIGCONT 1000', 'done SIGTERM ']);
  });

  it('goes on killing what does not die, and complains every three seconds', () => {
    const { clock, told, state, stopping } = ladder({ hasExited: true });
    stopping.request(1000);
    clock.advance(10_000);
    expect(told.filter((word) => word === 'undying stuck[7]')).toHaveLength(3);
    expect(told.filter((word) => word.startsWith('SIGKILL')).length).toBeGreaterThan(10);
    state.isEmpty = true;
    clock.advance(1000);
    expect(told.at(-1)).toBe('done SIGKILL stuck[7]');
  });

  it('that only watches signals nobody', () => {
    const { clock, told, state, stopping } = ladder({ hasExited: true });
    stopping.look();
    clock.advance(5000);
    state.isEmpty = true;
    clock.advance(1000);
    expect(told).toEqual(['done none ']);
  });

  it('that is asked for when nobody lives any more signals nobody', () => {
    const { told, state, stopping } = ladder({ hasExited: true });
    state.isEmpty = true;
    stopping.request(5000);
    expect(told).toEqual(['done none ']);
  });

  it('that was cancelled does nothing any more', () => {
    const { clock, told, stopping } = ladder();
    stopping.request(2000);
    stopping.cancel();
    clock.advance(5000);
    expect(told).toEqual(['SIGTERM 1000', 'SIGCONT 1000']);
  });
});

describe('a stopwatch', () => {
  function watch() {
    const clock = new ManualClock();
    const over: number[] = [];
    const stopwatch = new Stopwatch(clock, 1000, () => over.push(clock.now()));
    return { clock, over, stopwatch };
  }

  it('tells when the time is over, once', () => {
    const { clock, over, stopwatch } = watch();
    stopwatch.start();
    clock.advance(999);
    expect(over).toEqual([]);
    clock.advance(5000);
    expect(over).toEqual([2000]);
  });

  it('does not count the time for which the event loop stood still', () => {
    const { clock, over, stopwatch } = watch();
    stopwatch.start();
    clock.stall(20_000);
    expect(over).toEqual([]);
    clock.advance(1000);
    expect(over).toEqual([22_000]);
  });

  it('that was stopped tells nothing; started twice, it runs on', () => {
    const { clock, over, stopwatch } = watch();
    stopwatch.start();
    clock.advance(500);
    stopwatch.start();
    clock.advance(500);
    expect(over).toEqual([2000]);
    stopwatch.start();
    stopwatch.stop();
    clock.advance(5000);
    expect(over).toHaveLength(1);
  });
});
