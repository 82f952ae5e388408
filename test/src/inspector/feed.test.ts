/** The inspector's feed. */
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { initialContext } from '../../../machines/context.ts';
import type { LockexContext } from '../../../machines/contract.ts';
import { createLockexMachine } from '../../../machines/lockex.ts';
import { factsOf, feedEvent } from '../../../src/inspector/feed.ts';
import { History } from '../../../src/inspector/history.ts';
import { statelyActor, statelyEvents } from '../../../src/inspector/stately.ts';
import { input } from '../../machines/facts.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

/** An input with more than the machine's own settings, such as a command that contains a secret. */
const context = (more: Partial<LockexContext> = {}): LockexContext => ({
  ...initialContext({
    ...input(),
    command: { kind: 'shell', line: 'serve --password hunter2' },
  } as never),
  ...more,
});

const observed = (state: string) => ({ state, tags: [], context: context() });

const head = {
  lockId: 'redis',
  lockPath: 'lockex',
  leases: 1,
  host: 'db1',
  pid: 4711,
  version: '1.0.0',
  limits: { waitMs: null, maxRuntimeMs: null, killAfterMs: 10_000 },
};

describe('facts', () => {
  it('contain durations relative to the current time', () => {
    const lease = { provenAt: 1000, leaseEnd: 30_000, stopAt: 25_000 };
    const facts = factsOf(context({ lease, pid: 12 }), 10_000);
    expect(facts).toMatchObject({ lease: { leftMs: 20_000, stopInMs: 15_000 }, commandPid: 12 });
  });

  it('contain no command and no settings', () => {
    const grant = { path: '/lockex/x/1', fencingToken: '7', secret: 'hunter2' };
    const session = { server: 'a:1', timeoutMs: 1000, id: 'hunter2', password: 'hunter2' };
    const facts = factsOf(context({ grant, session }), 0);
    expect(JSON.stringify(facts)).not.toContain('hunter2');
    expect(facts).toMatchObject({ path: '/lockex/x/1', server: 'a:1' });
  });
});

describe('events', () => {
  it('show only the named fields', () => {
    const event = feedEvent({
      type: 'session.established',
      session: { server: 'a:1', timeoutMs: 1000, password: 'hunter2' } as never,
      lease: { provenAt: 0, stopAt: 800, leaseEnd: 990 },
    });
    expect(event).toEqual({
      type: 'session.established',
      details: { server: 'a:1', timeoutMs: 1000 },
    });
    expect(feedEvent({ type: 'hunter2.new' } as never).details).toBeUndefined();
  });
});

describe('the history', () => {
  it('keeps the newest entries, and renewals do not push them out', () => {
    const history = new History(new SimulatedClock(), () => 5);
    const lease = { provenAt: 0, leaseEnd: 2, stopAt: 1 };
    history.add(observed('waiting'), null);
    for (let time = 0; time < 5000; time += 1) {
      history.add(observed('running'), { type: 'lease.renewed', lease });
    }
    const entries = history.entries();
    expect(entries[0]).toMatchObject({ number: 1, at: 5, state: 'waiting', event: null });
    expect(entries.at(-1)).toMatchObject({ number: 5001 });
    expect(entries.length).toBeLessThan(50);
    for (let time = 0; time < 5000; time += 1) {
      history.add(observed('running'), { type: 'session.suspended', reason: 'x' });
    }
    expect(history.entries().length).toBeLessThan(600);
  });
});

describe('in the protocol of @statelyai/inspect', () => {
  const history = new History(new SimulatedClock(), () => 1234);
  const first = history.add(observed('connecting'), null);
  const later = history.add(observed('cleanup.stopping'), {
    type: 'command.started',
    pid: 7,
  });

  it('the actor carries the configuration of the machine', () => {
    expect(JSON.parse(statelyActor(head, first, '{"id":"lockex"}'))).toMatchObject({
      type: '@xstate.actor',
      name: 'lockex redis',
      sessionId: 'lockex',
      rootId: 'lockex',
      createdAt: '1234',
      definition: '{"id":"lockex"}',
      snapshot: { status: 'active', value: 'connecting' },
    });
  });

  it('the machine’s configuration is accepted by createMachine, as Stately’s inspector needs', () => {
    const config = JSON.parse(JSON.stringify(createLockexMachine().config));
    expect(JSON.stringify(config).length).toBeLessThan(20_000);
    const states = Object.keys(createMachine(config).root.states);
    expect(states).toEqual(Object.keys(createLockexMachine().root.states));
  });

  it('a transition becomes an event and a snapshot', () => {
    expect(statelyEvents(first).map((text) => JSON.parse(text).type)).toEqual(['@xstate.snapshot']);
    expect(statelyEvents(later).map((text) => JSON.parse(text))).toMatchObject([
      { type: '@xstate.event', event: { type: 'command.started', pid: 7 } },
      {
        type: '@xstate.snapshot',
        event: { type: 'command.started' },
        snapshot: { status: 'active', value: { cleanup: 'stopping' } },
      },
    ]);
  });
});
