/** Every event in every state of a running command: the next state, its signals and its events. */
import { describe, expect, it } from 'vitest';
import type { CommandExit } from '../../../machines/outcome.ts';
import { RunningCommand, SETTLING_MS } from '../../../src/command/running-command.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { FakeScope } from './fake-scope.ts';

const EXITED: CommandExit = { code: 0, signal: null };
const KILL_AFTER_MS = 5000;

function running(leftovers: 'stop' | 'await') {
  const clock = new SimulatedClock(1000);
  const scope = new FakeScope();
  const reported: string[] = [];
  const command = new RunningCommand(
    { scope, clock, killAfterMs: KILL_AFTER_MS, leftovers },
    {
      onExited: (_exit, byGuard) => reported.push(byGuard ? 'exited by guard' : 'exited'),
      onUnkillable: () => reported.push('unkillable'),
      onDone: (exit, { means }) =>
        reported.push(`done ${exit === null ? 'no exit' : 'exit'} ${means}`),
    },
  );
  return { clock, scope, reported, command };
}

type Running = ReturnType<typeof running>;

const RUNNING_STATES: Record<string, () => Running> = {
  running: () => running('stop'),
  settling: () => exited(running('stop')),
  draining: () => exited(running('await')),
  stopping: () => {
    const world = running('stop');
    world.command.stop(1000, null);
    return world;
  },
  'stopping, exited': () => {
    const world = running('stop');
    world.command.stop(1000, null);
    return exited(world);
  },
  over: () => {
    const world = running('stop');
    world.command.cancel();
    return world;
  },
};

function exited(world: Running): Running {
  world.command.exited(EXITED);
  return world;
}

const RUNNING_EVENTS: Record<string, (world: Running) => void> = {
  exited: ({ command }) => command.exited(EXITED),
  'stop with a grace': ({ command }) => command.stop(1000, null),
  'stop at once': ({ command }) => command.stop(0, null),
  'stop by a deadline': ({ command, clock }) => command.stop(1000, clock.now() + 500),
  'guard fired': ({ command }) => command.guardFired(),
  'all gone': ({ command, scope }) => {
    scope.isEmpty = true;
    command.emptied();
  },
  cancel: ({ command }) => command.cancel(),
};

/** Next state, signals and events of each event, in the order of RUNNING_EVENTS. */
const RUNNING_EXPECTED: Record<string, readonly string[]> = {
  running: [
    'settling exited',
    'stopping SIGTERM SIGCONT',
    'stopping SIGKILL',
    'stopping SIGTERM SIGCONT',
    'running',
    'running',
    'over',
  ],
  settling: [
    'settling',
    'settling',
    'stopping SIGKILL',
    'stopping SIGTERM SIGCONT',
    'settling',
    'over done exit exited',
    'over',
  ],
  draining: [
    'draining',
    'stopping SIGTERM SIGCONT',
    'stopping SIGKILL',
    'stopping SIGTERM SIGCONT',
    'draining',
    'over done exit exited',
    'over',
  ],
  stopping: [
    'stopping exited',
    'stopping',
    'stopping SIGKILL',
    'stopping',
    'stopping',
    // Its exit was not reported.
    'stopping',
    'over',
  ],
  'stopping, exited': [
    'stopping',
    'stopping',
    'stopping SIGKILL',
    'stopping',
    'stopping',
    'over done exit SIGTERM',
    'over',
  ],
  over: ['over', 'over', 'over', 'over', 'over', 'over', 'over'],
};

describe.each(Object.keys(RUNNING_STATES))('a command that is %s', (state) => {
  it.each([...Object.keys(RUNNING_EVENTS).entries()])('%i: %s', (index, event) => {
    const world = RUNNING_STATES[state]?.() ?? running('stop');
    const [signals, reported] = [world.scope.signals.length, world.reported.length];
    RUNNING_EVENTS[event]?.(world);
    const after = [...world.scope.signals.slice(signals), ...world.reported.slice(reported)];
    expect([world.command.state, ...after].join(' ')).toBe(RUNNING_EXPECTED[state]?.[index]);
  });
});

it('leftovers are stopped after their time to end by themselves, and then killed', () => {
  const { clock, scope } = exited(running('stop'));
  const end = clock.now() + SETTLING_MS + KILL_AFTER_MS + 100;
  const killed: number[] = [];
  while (clock.now() < end && clock.step()) {
    if (scope.signals.includes('SIGKILL')) killed.push(clock.now());
  }
  expect(scope.signals.slice(0, 3)).toEqual(['SIGTERM', 'SIGCONT', 'SIGKILL']);
  expect(killed[0]).toBe(1000 + SETTLING_MS + KILL_AFTER_MS);
});
