/** SIGTERM, grace, SIGKILL with a fake scope and a simulated clock: no process, no waiting. */
import { describe, expect, it } from 'vitest';
import { Stopwatch } from '../../../../src/command/guard/stopwatch.ts';
import type { ProcessRecord } from '../../../../src/command/processes/process-table.ts';
import type { Presence, ProcessScope } from '../../../../src/command/processes/scope.ts';
import { Termination } from '../../../../src/command/processes/termination.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

const PROCESS: ProcessRecord = {
  pid: 7,
  start: 1,
  name: 'stuck',
  state: 'D',
  parent: 1,
  group: 7,
  session: 7,
  foregroundGroup: -1,
  threads: 1,
};

interface State {
  isEmpty: boolean;
  hasExited: boolean;
  /** Nothing is found, and /proc could not be read completely. */
  isUnknown: boolean;
  /** Checks so far. */
  looks: number;
}

function termination({ hasExited = false, isPatient = false } = {}) {
  const clock = new SimulatedClock(1000);
  const reported: string[] = [];
  const state: State = { isEmpty: false, hasExited, isUnknown: false, looks: 0 };
  const presence = (): Presence => {
    state.looks += 1;
    if (state.isUnknown) return { state: 'unknown', reason: 'EMFILE at /proc' };
    return { state: state.isEmpty ? 'empty' : 'populated' };
  };
  const scope: ProcessScope = {
    name: 'made up',
    presence,
    living: () => (state.isUnknown ? [] : [PROCESS]),
    signal: (signal) => reported.push(`${signal} ${clock.now()}`),
    kill: () => reported.push(`SIGKILL ${clock.now()}`),
    record: () => [],
    close: () => {},
  };
  const stopping = new Termination({
    isPatient,
    scope,
    clock,
    hasExited: () => state.hasExited,
    onUnkillable: (processes, unknown) =>
      reported.push(`unkillable ${processes.join()}${unknown ?? ''}`),
    onDone: (means, outlived) => reported.push(`done ${means} ${outlived.join()}`),
  });
  return { clock, reported, state, stopping };
}

describe('waiting for what outlives the first process', () => {
  it('stops nothing, and checks now and then', () => {
    const { clock, reported, state, stopping } = termination({ hasExited: true, isPatient: true });
    stopping.check();
    clock.pass(3_600_000);
    expect(reported).toEqual([]);
    expect(state.looks).toBeLessThanOrEqual(36_001);
    state.isEmpty = true;
    clock.pass(1000);
    expect(reported).toEqual(['done none ']);
  });

  it('ends when a stop is requested: SIGTERM, grace, SIGKILL', () => {
    const { clock, reported, state, stopping } = termination({ hasExited: true, isPatient: true });
    stopping.check();
    clock.pass(500);
    stopping.request(2500);
    state.looks = 0;
    clock.pass(990);
    expect(state.looks).toBeGreaterThan(50);
    clock.pass(10);
    state.isEmpty = true;
    clock.pass(10);
    expect(reported).toEqual([
      'SIGTERM 1500',
      'SIGCONT 1500',
      'SIGKILL 2500',
      'done SIGKILL stuck[7]',
    ]);
  });
});

describe('stopping', () => {
  it('sends SIGTERM and SIGCONT once, and SIGKILL when the grace is over', () => {
    const { clock, reported, stopping } = termination();
    stopping.request(2000);
    clock.pass(999);
    expect(reported).toEqual(['SIGTERM 1000', 'SIGCONT 1000']);
    clock.pass(1);
    expect(reported.at(-1)).toBe('SIGKILL 2000');
  });

  it('sends only SIGKILL if there is no grace', () => {
    const { reported, stopping } = termination();
    stopping.request(1000);
    expect(reported).toEqual(['SIGKILL 1000']);
  });

  it('is made faster by a second request, and never slower', () => {
    const { clock, reported, stopping } = termination();
    stopping.request(5000);
    stopping.request(1500);
    stopping.request(9000);
    clock.pass(500);
    expect(reported).toEqual(['SIGTERM 1000', 'SIGCONT 1000', 'SIGKILL 1500']);
  });

  it('is done when no process lives and the exit is known, not before', () => {
    const { clock, reported, state, stopping } = termination();
    stopping.request(5000);
    state.isEmpty = true;
    clock.pass(1000);
    expect(reported).not.toContain('done SIGTERM ');
    state.hasExited = true;
    stopping.check();
    clock.pass(60_000);
    expect(reported).toEqual(['SIGTERM 1000', 'SIGCONT 1000', 'done SIGTERM ']);
  });

  it('kills again what survives SIGKILL, and reports it every three seconds', () => {
    const { clock, reported, state, stopping } = termination({ hasExited: true });
    stopping.request(1000);
    clock.pass(10_000);
    expect(reported.filter((report) => report === 'unkillable stuck[7]')).toHaveLength(3);
    expect(reported.filter((report) => report.startsWith('SIGKILL')).length).toBeGreaterThan(10);
    state.isEmpty = true;
    clock.pass(1000);
    expect(reported.at(-1)).toBe('done SIGKILL stuck[7]');
  });

  it('that only waits sends no signal', () => {
    const { clock, reported, state, stopping } = termination({ hasExited: true });
    stopping.check();
    clock.pass(5000);
    state.isEmpty = true;
    clock.pass(1000);
    expect(reported).toEqual(['done none ']);
  });

  it('that is requested when no process is left sends no signal', () => {
    const { reported, state, stopping } = termination({ hasExited: true });
    state.isEmpty = true;
    stopping.request(5000);
    expect(reported).toEqual(['done none ']);
  });

  it('is not done while the scope is unknown; that is reported, and no signal is sent', () => {
    const { clock, reported, state, stopping } = termination({ hasExited: true });
    state.isUnknown = true;
    stopping.request(2000);
    clock.pass(9900);
    expect(reported.filter((report) => report === 'unkillable EMFILE at /proc')).toHaveLength(4);
    expect(reported.filter((report) => report.startsWith('done'))).toEqual([]);
    expect(reported.join()).not.toContain('SIGTERM');
    state.isUnknown = false;
    state.isEmpty = true;
    clock.pass(1000);
    expect(reported.at(-1)).toBe('done none ');
  });

  it('kills the processes that are found once the scope is known again', () => {
    const { clock, reported, state, stopping } = termination({ hasExited: true });
    state.isUnknown = true;
    stopping.request(2000);
    clock.pass(3000);
    state.isUnknown = false;
    clock.pass(1000);
    state.isEmpty = true;
    clock.pass(1000);
    expect(reported.at(-1)).toBe('done SIGKILL stuck[7]');
  });

  it('that was cancelled does nothing', () => {
    const { clock, reported, stopping } = termination();
    stopping.request(2000);
    stopping.cancel();
    clock.pass(5000);
    expect(reported).toEqual(['SIGTERM 1000', 'SIGCONT 1000']);
  });
});

describe('a stopwatch', () => {
  function watch() {
    const clock = new SimulatedClock(1000);
    const over: number[] = [];
    const stopwatch = new Stopwatch(clock, 1000, () => over.push(clock.now()));
    return { clock, over, stopwatch };
  }

  it('fires when the time is over, once', () => {
    const { clock, over, stopwatch } = watch();
    stopwatch.start();
    clock.pass(999);
    expect(over).toEqual([]);
    clock.pass(5000);
    expect(over).toEqual([2000]);
  });

  it('does not count time in which the event loop was blocked', () => {
    const { clock, over, stopwatch } = watch();
    stopwatch.start();
    clock.stall(20_000);
    expect(over).toEqual([]);
    clock.pass(1000);
    expect(over).toEqual([22_000]);
  });

  it('does not fire once stopped; a second start does not restart it', () => {
    const { clock, over, stopwatch } = watch();
    stopwatch.start();
    clock.pass(500);
    stopwatch.start();
    clock.pass(500);
    expect(over).toEqual([2000]);
    stopwatch.start();
    stopwatch.stop();
    clock.pass(5000);
    expect(over).toHaveLength(1);
  });
});
