/**
 * Every event in every state of the guard's keeper: the next state, the lines that the guard gets,
 * and what is reported. The guard is a fake that records what it is sent; no process is started.
 */
import { describe, expect, it } from 'vitest';
import type { LeaseInfo } from '../../../../machines/contract.ts';
import type { GuardEvents } from '../../../../src/command/guard/guard.ts';
import { GuardKeeper, type StartGuard } from '../../../../src/command/guard/guard-keeper.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

interface FakeGuard {
  readonly facts: readonly string[];
  readonly sent: string[];
  readonly events: GuardEvents;
  end: 'none' | 'killed' | 'hung up';
}

class World {
  readonly clock = new SimulatedClock(1_000_000);
  readonly guards: FakeGuard[] = [];
  readonly reported: string[] = [];
  readonly logged: string[] = [];
  readonly keeper: GuardKeeper;

  constructor() {
    this.keeper = new GuardKeeper(
      {
        shells: [['/bin/first'], ['/bin/second']],
        clock: this.clock,
        log: (_level, message) => this.logged.push(message),
        scanMs: () => 0,
        startGuard: this.#start,
      },
      {
        onArmed: () => this.reported.push('armed'),
        onFailed: () => this.reported.push('failed'),
        onFiring: () => this.reported.push('firing'),
      },
    );
  }

  readonly #start: StartGuard = (_shell, facts, events) => {
    const guard: FakeGuard = { facts, sent: [], events, end: 'none' };
    this.guards.push(guard);
    return {
      pid: 100 + this.guards.length,
      send: (...lines) => void guard.sent.push(...lines),
      hangUp: () => {
        guard.end = 'hung up';
      },
      kill: () => {
        guard.end = 'killed';
      },
    };
  };

  get guard(): FakeGuard {
    const guard = this.guards.at(-1);
    if (guard === undefined) throw new Error('no guard was started');
    return guard;
  }

  lease(lengthMs = 30_000): LeaseInfo {
    const now = this.clock.now();
    return { provenAt: now, leaseEnd: now + lengthMs, stopAt: now + lengthMs - 6000 };
  }

  echo(): void {
    const line = this.guard.sent.findLast((sent) => sent.startsWith('beat '));
    if (line !== undefined) this.guard.events.onBeat(line);
  }

  /** Time passes, in which the event loop is not blocked. */
  pass(ms: number): void {
    const end = this.clock.now() + ms;
    while (this.clock.step(end));
  }
}

const STATES = {
  absent: () => {},
  idle: ({ keeper }) => keeper.start(),
  arming: (world) => world.keeper.extend(world.lease()),
  armed: (world) => {
    STATES.arming(world);
    world.echo();
  },
  fired: (world) => {
    STATES.armed(world);
    world.guard.events.onFiring();
  },
} satisfies Record<string, (world: World) => void>;

type StateName = keyof typeof STATES;

const EVENTS = {
  start: ({ keeper }) => keeper.start(),
  fact: ({ keeper }) => keeper.setFact('marker', 'marker X'),
  'the same lease': (world) => world.keeper.extend(world.lease()),
  'a later lease': (world) => world.keeper.extend(world.lease(60_000)),
  'a slightly later lease, gate shut': (world) => world.keeper.extendIfNear(world.lease(31_000)),
  'a much later lease, gate shut': (world) => world.keeper.extendIfNear(world.lease(300_000)),
  renew: ({ keeper }) => keeper.renew(),
  abandon: ({ keeper }) => keeper.abandon(),
  dismiss: ({ keeper }) => keeper.dismiss(),
  echo: (world) => world.guards.length > 0 && world.echo(),
  'echo of another deadline': ({ guards }) => guards[0]?.events.onBeat('beat 1'),
  firing: ({ guards }) => guards[0]?.events.onFiring(),
  gone: ({ guards }) => guards[0]?.events.onGone('ended'),
  'no echo for a second': (world) => world.pass(1100),
} satisfies Record<string, (world: World) => unknown>;

type EventName = keyof typeof EVENTS;

const BEAT = 'beat';
/**
 * "next state: lines sent / reports", where an event does not leave everything as it is. "+": it
 * starts another guard. Without a guard there is nothing that could echo, fire or end.
 */
const EXPECTED: Record<StateName, Partial<Record<EventName, string>>> = {
  absent: {
    start: 'idle+',
    'the same lease': `arming+ ${BEAT}`,
    'a later lease': `arming+ ${BEAT}`,
    'a slightly later lease, gate shut': `arming+ ${BEAT}`,
    'a much later lease, gate shut': `arming+ ${BEAT}`,
  },
  idle: {
    fact: 'idle marker X',
    'the same lease': `arming ${BEAT}`,
    'a later lease': `arming ${BEAT}`,
    'a slightly later lease, gate shut': `arming ${BEAT}`,
    'a much later lease, gate shut': `arming ${BEAT}`,
    abandon: 'absent',
    dismiss: 'absent',
    firing: 'fired firing',
    gone: 'idle+',
  },
  arming: {
    fact: 'arming marker X',
    'a later lease': `arming ${BEAT}`,
    'a slightly later lease, gate shut': `arming ${BEAT}`,
    'a much later lease, gate shut': `arming ${BEAT}`,
    abandon: 'absent',
    dismiss: 'absent',
    echo: 'armed armed',
    firing: 'fired firing',
    gone: `arming+ ${BEAT}`,
    'no echo for a second': `arming+ ${BEAT}`,
  },
  armed: {
    fact: 'armed marker X',
    'a later lease': `arming ${BEAT}`,
    'a much later lease, gate shut': `arming ${BEAT}`,
    abandon: 'absent',
    dismiss: 'absent',
    echo: 'armed armed',
    firing: 'fired firing',
    gone: `arming+ ${BEAT}`,
  },
  fired: {
    fact: 'fired marker X',
    renew: 'idle+',
    abandon: 'absent',
    dismiss: 'absent',
    firing: 'fired firing',
  },
};

describe.each(Object.keys(STATES) as StateName[])('a keeper that is %s', (state) => {
  it.each(Object.keys(EVENTS) as EventName[])('%s', (event) => {
    const world = new World();
    STATES[state](world);
    const [guards, sent] = [world.guards.length, world.guards.at(-1)?.sent.length ?? 0];
    const reported = world.reported.length;
    expect(world.keeper.state).toBe(state);
    EVENTS[event](world);
    const isAnother = world.guards.length > guards;
    const lines = (world.guards.at(-1)?.sent ?? []).slice(isAnother ? 0 : sent);
    const name = `${world.keeper.state}${isAnother ? '+' : ''}`;
    const observed = lines.map((line) => (line.startsWith('beat ') ? BEAT : line));
    const seen = [name, ...observed, ...world.reported.slice(reported)].join(' ');
    expect(seen).toBe(EXPECTED[state][event] ?? state);
    expect(world.keeper.isArmed).toBe(world.keeper.state === 'armed');
  });
});

describe('a guard', () => {
  it('gets each fact that it must know, the secret ones not in its environment', () => {
    const { keeper, guards, ...world } = new World();
    keeper.setFact('gate', 'gate 7 1');
    keeper.setFact('credentials', 'credentials secret');
    keeper.setFact('marker', 'marker X');
    keeper.extend({ provenAt: 1_000_000, leaseEnd: 1_030_000, stopAt: 1_024_000 });
    expect(guards[0]?.facts).toEqual(['gate 7 1']);
    expect(guards[0]?.sent.slice(0, 2)).toEqual(['marker X', 'credentials secret']);
    expect(world.reported).toEqual([]);
  });

  it('is sent a deadline again if there is a new fact', () => {
    const world = new World();
    STATES.armed(world);
    world.keeper.setFact('marker', 'marker X');
    world.keeper.extend(world.lease());
    expect(world.keeper.isArmed).toBe(false);
    expect(world.guard.sent.at(-1)).toMatch(/^beat /);
  });

  it('that was armed is watched again at the opening, and replaced if it does not answer', () => {
    const world = new World();
    STATES.armed(world);
    world.keeper.opening(world.lease());
    expect(world.guard.sent.slice(-2)).toEqual(['open', expect.stringMatching(/^beat /)]);
    world.pass(1100);
    expect(world.guards).toHaveLength(2);
    expect(world.guards[0]?.end).toBe('killed');
    expect(world.guard.facts).toContain('open');
  });

  it('that echoes an earlier sending of the same deadline has not read what followed', () => {
    const world = new World();
    STATES.arming(world);
    world.keeper.setFact('marker', 'marker X');
    world.keeper.extend(world.lease());
    expect(world.guard.sent.filter((line) => line.startsWith('beat '))).toHaveLength(2);
    world.echo();
    expect(world.keeper.isArmed).toBe(false);
    world.echo();
    expect(world.keeper.isArmed).toBe(true);
    world.keeper.setFact('marker', 'marker Y');
    world.keeper.extend(world.lease());
    world.keeper.opening(world.lease());
    world.echo();
    world.pass(1100);
    expect(world.guards).toHaveLength(2);
  });

  it('is replaced three times if it ends unarmed, and once if it does not answer', () => {
    const ends = new World();
    STATES.arming(ends);
    for (let times = 0; times < 4; times += 1) ends.guard.events.onGone('ended');
    expect(ends.reported).toEqual(['failed']);
    expect(ends.guards).toHaveLength(4);
    expect(ends.keeper.state).toBe('absent');
    const silent = new World();
    STATES.arming(silent);
    silent.pass(2300);
    expect(silent.reported).toEqual(['failed']);
    expect(silent.guards).toHaveLength(2);
  });

  it('whose shell cannot be executed is followed by one in the next shell', () => {
    const world = new World();
    STATES.arming(world);
    world.guard.events.onUnfit('ENOENT');
    expect(world.keeper.state).toBe('arming');
    expect(world.logged[0]).toContain('/bin/first cannot be executed (ENOENT)');
  });

  it('that fired and ended is not replaced, until it is renewed', () => {
    const world = new World();
    STATES.fired(world);
    world.guard.events.onGone('ended');
    world.keeper.extend(world.lease(60_000));
    expect(world.guards).toHaveLength(1);
    expect(world.keeper.state).toBe('fired');
    world.keeper.renew();
    world.keeper.extend(world.lease(60_000));
    expect(world.keeper.state).toBe('arming');
  });

  it('gets an end of file when the keeper is abandoned, and is killed at the end', () => {
    const [abandoned, dismissed] = [new World(), new World()];
    for (const world of [abandoned, dismissed]) STATES.armed(world);
    abandoned.keeper.abandon();
    dismissed.keeper.dismiss();
    expect([abandoned.guard.end, dismissed.guard.end]).toEqual(['hung up', 'killed']);
  });
});
