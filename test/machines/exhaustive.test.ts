/**
 * Every reachable state × every event, generated from the machine itself, with the invariants of
 * each. The program's guarantee rests on them: the command is alive only in the states that allow
 * it, and the lock is released only when the command is dead.
 */
import { describe, expect, it } from 'vitest';
import type { LockexInput, LockexTag } from '../../machines/contract.ts';
import { lockexMachine } from '../../machines/lockex.ts';
import { stateName } from '../../machines/state-name.ts';
import { explore, type Node, type Step } from './explore.ts';
import { facts, input } from './facts.ts';

const STATES = [
  'connecting',
  'waiting',
  'locked.confirming',
  'locked.arming',
  'running',
  'suspended.waiting',
  'suspended.locked',
  'suspended.running',
  'lost.disarming',
  'lost.stopping',
  'cleanup.stopping',
  'cleanup.stoppingByDeadline',
  'cleanup.releasing',
  'cleanup.closing',
  'done',
];

/** States in which processes of the command may be alive, by design. */
const MAY_LIVE = ['running', 'suspended.running', 'lost.stopping', 'cleanup.stopping'];
const MAY_DIE_IN = [...MAY_LIVE, 'cleanup.stoppingByDeadline'];

/** States in which a lease counts down, by design. */
const LOCK_HELD_IN = [
  ...['locked.confirming', 'locked.arming', 'suspended.locked', 'lost.disarming'],
  ...[...MAY_DIE_IN, 'cleanup.recording', 'cleanup.holding'],
];

const inputs: Record<string, LockexInput> = {
  'the defaults': input(),
  'patience, retries and rejoining': input({
    connectTries: 2,
    lockTries: 2,
    waitMs: 1000,
    onLost: 'rejoin',
    maxRuntimeMs: 5000,
    holdMs: 2000,
    oncePerMs: 600_000,
  }),
  'no blocking': input({ waitMs: 0 }),
  'waiting for all': input({ leftovers: 'await', oncePerMs: 600_000 }),
};

const typesSent = (step: Step) => step.sent.map(({ type }) => type);

describe.each(Object.entries(inputs))('with %s', (_, given) => {
  const { initial, nodes, steps } = explore(given);

  it('reaches exactly the states of the design', () => {
    const more = [
      ...(given.holdMs === null ? [] : ['cleanup.holding']),
      ...(given.oncePerMs === null ? [] : ['cleanup.recording']),
    ];
    const wanted = [...STATES, ...more];
    expect([...new Set(nodes.map(({ state }) => state))].sort()).toEqual(wanted.sort());
  });

  it('tags the states in which the lock is held or the command may be alive', () => {
    const taggedWith = (tag: LockexTag) => {
      const tagged = nodes.filter(({ snapshot }) => snapshot.hasTag(tag));
      return new Set(tagged.map(({ state }) => state));
    };
    const reached = new Set(nodes.map(({ state }) => state));
    const reachedOf = (states: readonly string[]) =>
      new Set(states.filter((state) => reached.has(state)));
    expect(taggedWith('commandMayBeAlive')).toEqual(reachedOf(MAY_DIE_IN));
    expect(taggedWith('lockHeld')).toEqual(reachedOf(LOCK_HELD_IN));
  });

  it('never fails, whatever event comes in whatever state', () => {
    expect(nodes.filter(({ snapshot }) => snapshot.status === 'error')).toEqual([]);
  });

  it('opens the gate only between locked.arming and running', () => {
    const starts = steps.filter((step) => typesSent(step).includes('command.start'));
    expect(starts.length).toBeGreaterThan(0);
    for (const { from, to, fact } of starts) {
      expect([from.state, fact, to.state]).toEqual(['locked.arming', 'command.armed', 'running']);
    }
  });

  it('enters running only by opening the gate, or back from suspended.running', () => {
    for (const step of steps) {
      if (step.to.state !== 'running' || step.from.state === 'running') continue;
      const opened = typesSent(step).includes('command.start');
      expect(opened || step.from.state === 'suspended.running').toBe(true);
    }
  });

  it('leaves the states with a live command only when it is dead, or in order to stop it', () => {
    for (const step of steps) {
      if (!MAY_DIE_IN.includes(step.from.state) || MAY_DIE_IN.includes(step.to.state)) continue;
      // Either everything is dead, or the session is lost and nothing more can be done.
      if (step.fact === 'command.unkillable') {
        expect(typesSent(step)).toContain('session.abandon');
        expect(['lost.stopping', 'cleanup.stoppingByDeadline']).toContain(step.from.state);
      } else expect(step.event.type).toBe('command.stopped');
    }
  });

  it('sends command.stop on every way out of running and suspended.running', () => {
    for (const step of steps) {
      const left = ['running', 'suspended.running'].includes(step.from.state);
      if (!left || ['running', 'suspended.running'].includes(step.to.state)) continue;
      expect(typesSent(step)).toContain('command.stop');
    }
  });

  it('releases only after command.stopped, and never after command.unkillable', () => {
    const releases = steps.filter((step) => typesSent(step).includes('lock.release'));
    expect(releases.length).toBeGreaterThan(0);
    for (const { from, event } of releases) {
      // The command was stopped before these states.
      if (['cleanup.holding', 'cleanup.recording'].includes(from.state)) continue;
      expect([from.state, event.type]).toEqual(['cleanup.stopping', 'command.stopped']);
    }
  });

  it('keeps the lock for --hold only after the command exited by itself and command.stopped', () => {
    const held = steps.filter(
      ({ from, to }) => from.state !== to.state && to.state === 'cleanup.holding',
    );
    expect(held.length > 0).toBe(given.holdMs !== null);
    for (const { from, to, event } of held) {
      if (from.state !== 'cleanup.recording') {
        expect([from.state, event.type]).toEqual(['cleanup.stopping', 'command.stopped']);
      }
      expect(['exited', 'leftovers']).toContain(to.snapshot.context.outcome?.kind);
    }
  });

  it('closes the session only when everything is dead, or after abandoning it', () => {
    for (const step of steps) {
      const closing = typesSent(step).indexOf('session.close');
      if (closing < 0 || step.event.type === 'command.stopped') continue;
      const dead = ['cleanup.releasing', 'cleanup.holding', 'cleanup.recording'];
      if (dead.includes(step.from.state)) continue;
      expect(typesSent(step).slice(0, closing)).toContain('session.abandon');
    }
  });

  it('never leads from lost to running without a new session, grant and confirmation', () => {
    const without = new Set(['lock.confirmed', 'lock.confirmed (ran lately)']);
    for (const lost of nodes.filter(({ state }) => state.startsWith('lost'))) {
      const reached = reachable(lost, ({ fact }) => !without.has(fact));
      expect([...reached].filter(({ state }) => state === 'running')).toEqual([]);
    }
    for (const step of steps) {
      if (!step.from.state.startsWith('lost') || step.to.state.startsWith('lost')) continue;
      expect(['connecting', 'cleanup.closing']).toContain(step.to.state);
    }
  });

  it('connects again only without any data of the previous session', () => {
    for (const { from, to } of steps) {
      if (!from.state.startsWith('lost') || to.state !== 'connecting') continue;
      const { session, queue, lease, grant } = to.snapshot.context;
      expect({ session, queue, lease, grant }).toEqual({
        session: null,
        queue: null,
        lease: null,
        grant: null,
      });
    }
  });

  it('keeps the first outcome, and replaces only one that would report a false success', () => {
    for (const { from, to, fact } of steps) {
      const { outcome } = from.snapshot.context;
      if (outcome === null || fact === 'command.unkillable') continue;
      const { kind } = to.snapshot.context.outcome ?? {};
      const hadToStop = fact === 'command.stopped (leftovers)' && outcome.kind === 'exited';
      if (hadToStop && kind === 'leftovers') continue;
      expect(to.snapshot.context.outcome).toEqual(outcome);
    }
  });

  it('records no run as a success if processes had to be stopped', () => {
    const records = steps.filter((step) => typesSent(step).includes('run.record'));
    expect(records.length > 0).toBe(given.oncePerMs !== null);
    for (const { fact } of records) expect(fact).toBe('command.stopped');
    const killed = steps.filter(({ fact, from }) => {
      const isStopping = ['cleanup.stopping', 'cleanup.stoppingByDeadline'].includes(from.state);
      return fact === 'command.stopped (leftovers)' && isStopping;
    });
    expect(killed.length).toBeGreaterThan(0);
    for (const { to } of killed) {
      const { outcome, exit } = to.snapshot.context;
      if (exit?.code === 0) expect(outcome?.kind).not.toBe('exited');
    }
  });

  it('with --wait-for-all leaves running only when all processes have exited', () => {
    const left = steps.filter(({ from, event }) => {
      const isRunning = ['running', 'suspended.running'].includes(from.state);
      return isRunning && ['command.exited', 'command.stopped'].includes(event.type);
    });
    expect(left.length).toBeGreaterThan(0);
    for (const { from, to, fact } of left) {
      const stays = given.leftovers === 'await' ? 'command.exited' : 'command.stopped';
      const isLost = given.leftovers === 'await' && fact === 'command.stopped (leftovers)';
      if (fact === 'command.exited (by the guard)' || isLost)
        expect(to.state).toBe('lost.stopping');
      else if (fact.startsWith(stays)) expect(to.state).toBe(from.state);
      else expect(to.state).toBe('cleanup.stopping');
    }
  });

  it('has an outcome whenever it is in cleanup or done', () => {
    for (const { state, snapshot } of nodes) {
      if (state !== 'done' && !state.startsWith('cleanup')) continue;
      expect(snapshot.context.outcome, state).not.toBeNull();
    }
  });

  it('never reports success if processes survive SIGKILL', () => {
    for (const { from, fact, to } of steps) {
      if (fact !== 'command.unkillable' || from.state === to.state) continue;
      if (from.state === 'lost.disarming') continue; // No command had started.
      expect(['unkillable', 'lost']).toContain(to.snapshot.context.outcome?.kind);
    }
  });

  it('reaches done from everywhere', () => {
    const reaching = new Set(nodes.filter(({ state }) => state === 'done'));
    for (let grown = true; grown; ) {
      grown = false;
      for (const { from, to } of steps) {
        if (!reaching.has(to) || reaching.has(from)) continue;
        reaching.add(from);
        grown = true;
      }
    }
    expect(nodes.filter((node) => !reaching.has(node)).map(({ state }) => state)).toEqual([]);
  });

  it('reaches done from cleanup by the actors’ answers alone', () => {
    // And by its own timer, for --hold.
    const answers = [
      'command.stopped',
      'run.recorded',
      'lock.released',
      'session.closed',
      'hold.over',
    ];
    for (const node of nodes.filter(({ state }) => state.startsWith('cleanup'))) {
      const reached = reachable(node, ({ fact }) => answers.includes(fact));
      expect([...reached].some(({ state }) => state === 'done')).toBe(true);
    }
  });

  it('sends each state’s command on the way into it', () => {
    const wanted: Record<string, string> = {
      connecting: 'session.connect',
      waiting: 'lock.join',
      'locked.confirming': 'lock.confirm',
      'locked.arming': 'command.arm',
      'lost.disarming': 'command.stop',
      'lost.stopping': 'command.stop',
      'cleanup.stopping': 'command.stop',
      'cleanup.stoppingByDeadline': 'command.stop',
      'cleanup.recording': 'run.record',
      'cleanup.releasing': 'lock.release',
      'cleanup.closing': 'session.close',
    };
    expect(initial.sentAtStart.map(({ type }) => type)).toEqual([
      'command.park',
      'session.connect',
    ]);
    for (const step of steps) {
      const command = wanted[step.to.state];
      if (command === undefined || step.from.state === step.to.state) continue;
      expect(typesSent(step), `${step.from.state} → ${step.to.state}`).toContain(command);
    }
  });
});

describe('every state', () => {
  const types = [...new Set(Object.values(facts).map(({ type }) => type))];
  const leaves = leavesOf(lockexMachine.root).map((leaf) => [leaf.path.join('.'), leaf] as const);

  it.each(leaves)('decides every event by name: %s', (_, leaf) => {
    const decided = new Set<string>();
    for (let node: StateNode | undefined = leaf; node !== undefined; node = node.parent) {
      for (const type of Object.keys(node.config.on ?? {})) decided.add(type);
    }
    expect(types.filter((type) => !decided.has(type))).toEqual([]);
  });

  it('is named by its dotted value', () => {
    expect(stateName({ cleanup: 'stopping' })).toBe('cleanup.stopping');
  });
});

type StateNode = typeof lockexMachine.root;

function leavesOf(node: StateNode): StateNode[] {
  return Object.values(node.states).flatMap((child) =>
    child.type === 'atomic' ? [child] : leavesOf(child),
  );
}

function reachable(from: Node, along: (step: Step) => boolean): Set<Node> {
  const found = new Set([from]);
  for (const node of found) {
    for (const step of node.steps) if (along(step)) found.add(step.to);
  }
  return found;
}
