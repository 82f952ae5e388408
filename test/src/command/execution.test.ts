/**
 * Every event in every state of an execution: the next state, and what is emitted. Gate and guard
 * are fakes that record their calls; no process is started.
 */
import { describe, expect, it } from 'vitest';
import type { CommandExit } from '../../../machines/outcome.ts';
import { SETTLING_MS } from '../../../src/command/running-command.ts';
import { World } from './execution-world.ts';

const GRANT = { path: '/lockex/test/x', fencingToken: '1' };
const EXITED: CommandExit = { code: 0, signal: null };
const KILLED: CommandExit = { code: null, signal: { name: 'SIGKILL', number: 9 } };

/** How a state is reached. */
const STATES = {
  idle: () => {},
  shut: ({ execution }) => execution.park(),
  'shut, arming': (world) => {
    STATES.shut(world);
    world.execution.arm(world.lease());
  },
  'shut, armed': (world) => {
    STATES['shut, arming'](world);
    world.gate.isParked = true;
    world.guard.isArmed = true;
    world.guardEvents.onArmed();
  },
  failed: (world) => {
    STATES['shut, arming'](world);
    world.gateEvents.onFailed(126, 'cannot be executed');
  },
  closing: (world) => {
    STATES.shut(world);
    world.execution.stop(1000, null);
  },
  'opened, running': (world) => {
    STATES['shut, armed'](world);
    world.execution.start(GRANT);
  },
  'opened, settling': (world) => {
    STATES['opened, running'](world);
    world.gateEvents.onExited(EXITED);
  },
  'opened, draining': (world) => {
    STATES['opened, settling'](world);
    while (world.clock.now() < 1_000_000 + SETTLING_MS) world.clock.step();
  },
  'opened, stopping': (world) => {
    STATES['opened, running'](world);
    world.execution.stop(1000, null);
  },
  over: (world) => {
    STATES.closing(world);
    world.gateEvents.onClosed();
  },
  released: (world) => {
    STATES.over(world);
    world.execution.dispose();
  },
} satisfies Record<string, (world: World) => void>;

type StateName = keyof typeof STATES;

const EVENTS = {
  park: ({ execution }) => execution.park(),
  arm: (world) => world.execution.arm(world.lease()),
  start: ({ execution }) => execution.start(GRANT),
  extend: (world) => world.execution.extend(world.lease(40_000)),
  'stop with a grace': ({ execution }) => execution.stop(1000, null),
  'stop at once': ({ execution }) => execution.stop(0, null),
  dispose: ({ execution }) => execution.dispose(),
  'gate: parked': (world) => {
    world.gate.isParked = true;
    world.gateEvents.onParked();
  },
  'gate: lost': (world) => world.gateEvents.onGateLost(),
  'gate: failed': (world) => world.gateEvents.onFailed(127, 'not found'),
  'gate: exited': (world) => world.gateEvents.onExited(EXITED),
  'gate: empty, all gone': (world) => {
    world.scope.isEmpty = true;
    world.gateEvents.onEmpty();
  },
  'gate: closed': (world) => world.gateEvents.onClosed(),
  'guard: armed': (world) => {
    world.guard.isArmed = true;
    world.guardEvents.onArmed();
  },
  'guard: failed': (world) => world.guardEvents.onFailed('no guard'),
  'guard: firing': (world) => world.guardEvents.onFiring(),
} satisfies Record<string, (world: World) => void>;

type EventName = keyof typeof EVENTS;

/** Next state and emitted events, where an event does not leave everything as it is. */
const STOPPED = 'over: command.stopped';
const EXPECTED: Record<StateName, Partial<Record<EventName, string>>> = {
  idle: {
    park: 'shut',
    'stop with a grace': 'closing',
    'stop at once': 'closing',
    dispose: 'over',
  },
  shut: {
    'stop with a grace': 'closing',
    'stop at once': 'closing',
    dispose: 'over',
    'gate: failed': 'failed: command.failed',
  },
  'shut, arming': {
    'stop with a grace': 'closing',
    'stop at once': 'closing',
    dispose: 'over',
    'gate: failed': 'failed: command.failed',
    'guard: failed': 'failed: command.failed',
  },
  'shut, armed': {
    arm: 'shut: command.armed',
    start: 'opened running',
    'stop with a grace': 'closing',
    'stop at once': 'closing',
    dispose: 'over',
    'gate: failed': 'failed: command.failed',
    'guard: failed': 'failed: command.failed',
  },
  failed: {
    'stop with a grace': 'closing',
    'stop at once': 'closing',
    dispose: 'over',
  },
  closing: { dispose: 'over', 'gate: closed': STOPPED },
  'opened, running': {
    dispose: 'over',
    'gate: lost': 'shut',
    'gate: failed': 'failed: command.failed',
    'gate: exited': 'opened: command.exited',
    'guard: failed': 'opened: guard.failed',
  },
  'opened, settling': {
    dispose: 'over',
    'gate: empty, all gone': STOPPED,
    'guard: failed': 'opened: guard.failed',
  },
  'opened, draining': {
    dispose: 'over',
    'gate: empty, all gone': STOPPED,
    'guard: failed': 'opened: guard.failed',
  },
  'opened, stopping': {
    dispose: 'over',
    'gate: exited': 'opened: command.exited',
    'gate: empty, all gone': 'opened',
  },
  over: { dispose: 'released' },
  released: {},
};

/** Not possible: the gate keeper reports neither the end of a gate nor its own in these states. */
const IMPOSSIBLE: Partial<Record<StateName, readonly EventName[]>> = {
  idle: ['gate: closed'],
  shut: ['gate: closed'],
  'shut, arming': ['gate: closed'],
  'shut, armed': ['gate: closed'],
  failed: ['gate: closed'],
  'opened, running': ['gate: closed'],
  'opened, settling': ['gate: closed', 'gate: lost', 'gate: failed'],
  'opened, draining': ['gate: closed', 'gate: lost', 'gate: failed'],
  'opened, stopping': ['gate: closed', 'gate: lost', 'gate: failed'],
  over: ['gate: closed'],
  released: ['gate: closed'],
};

describe.each(Object.keys(STATES) as StateName[])('an execution that is %s', (state) => {
  const possible = (Object.keys(EVENTS) as EventName[]).filter(
    (event) => !IMPOSSIBLE[state]?.includes(event),
  );

  it.each(possible)('%s', (event) => {
    const world = new World();
    STATES[state](world);
    const before = world.emitted.length;
    const name = state.split(',')[0];
    expect(world.execution.state).toBe(name);
    EVENTS[event](world);
    const emitted = world.emitted.slice(before).map(({ type }) => type);
    const expected = (EXPECTED[state][event] ?? name)?.replace(' running', '');
    expect([world.execution.state, ...emitted].join(': ')).toBe(expected);
  });
});

describe('an execution', () => {
  it('informs the guard before it opens the gate', () => {
    const world = new World();
    STATES['shut, armed'](world);
    const before = world.calls.length;
    world.execution.start(GRANT);
    expect(world.calls.slice(before)).toEqual(['guard.opening', 'gate.open']);
  });

  it.each(['parked', 'armed'] as const)('does not open a gate while only %s', (what) => {
    const world = new World();
    STATES['shut, arming'](world);
    world.execution.start(GRANT);
    if (what === 'parked') EVENTS['gate: parked'](world);
    else EVENTS['guard: armed'](world);
    expect(world.calls).not.toContain('gate.open');
    if (what === 'parked') EVENTS['guard: armed'](world);
    else EVENTS['gate: parked'](world);
    expect(world.calls).toContain('gate.open');
  });

  it('opens no gate once it has failed, even if the guard is armed then', () => {
    const world = new World();
    STATES['shut, arming'](world);
    world.execution.start(GRANT);
    EVENTS['guard: failed'](world);
    EVENTS['gate: parked'](world);
    EVENTS['guard: armed'](world);
    world.execution.extend(world.lease());
    expect(world.calls).not.toContain('gate.open');
  });

  it('opens no gate on a lease that is over', () => {
    const world = new World();
    STATES['shut, arming'](world);
    world.gate.isParked = true;
    world.guard.isArmed = true;
    world.clock.setTimeout(() => {}, 30_000);
    world.clock.step();
    world.execution.start(GRANT);
    expect(world.calls).not.toContain('gate.open');
    world.execution.extend(world.lease());
    expect(world.calls).toContain('gate.open');
  });

  it('fails, and does not run, if the program is not found', () => {
    const world = new World();
    STATES['shut, armed'](world);
    world.gate.isFound = false;
    world.execution.start(GRANT);
    expect(world.execution.state).toBe('failed');
    expect(world.emitted.at(-1)).toMatchObject({ type: 'command.failed', exitCode: 127 });
  });

  it('opens the next gate with the next lease if one was opened too late', () => {
    const world = new World();
    STATES['opened, running'](world);
    EVENTS['gate: lost'](world);
    EVENTS['gate: parked'](world);
    expect(world.execution.state).toBe('opened');
    expect(world.calls.filter((call) => call === 'gate.open')).toHaveLength(2);
  });

  it('replaces a gate that the guard is killing', () => {
    const world = new World();
    STATES['shut, armed'](world);
    EVENTS['guard: firing'](world);
    expect(world.calls).toContain('gate.replace');
  });

  it('says that the guard killed the command', () => {
    const world = new World();
    STATES['opened, running'](world);
    EVENTS['guard: firing'](world);
    world.scope.isEmpty = true;
    world.gateEvents.onExited(KILLED);
    expect(world.emitted.slice(-2)).toEqual([
      { type: 'command.exited', exit: KILLED, byGuard: true },
      { type: 'command.stopped', exit: KILLED, how: { means: 'SIGKILL', stragglers: [] } },
    ]);
  });
});
