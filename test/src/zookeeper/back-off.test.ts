/**
 * Actions that servers and other clients can make lockex repeat, counted against a simulated clock:
 * the first ones happen at once, the others with growing pauses.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { openAccess } from '../../../src/settings/access.ts';
import { BackOff, PacedRefresh } from '../../../src/zookeeper/back-off.ts';
import type { LockSession } from '../../../src/zookeeper/client.ts';
import { Contender } from '../../../src/zookeeper/contender.ts';
import { UnreachableError } from '../../../src/zookeeper/errors.ts';
import { Lock } from '../../../src/zookeeper/recipes/lock.ts';
import type { Recipe } from '../../../src/zookeeper/recipes/recipe.ts';
import { RecipeRunner } from '../../../src/zookeeper/recipes/recipe-runner.ts';
import { Session } from '../../../src/zookeeper/session/session.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { type Script, startScriptedServer } from './scripted-server.ts';

const NO_NODE = -101;
/** Long enough for no deadline to pass while a test waits for sockets. */
const LONG_MS = 3_600_000;
/** The recipe of a session that is never established. */
const UNUSED: Recipe = {
  ownOrParentPath: '/lock',
  invalidate: () => {},
  withdraw: async () => {},
  advance: async () => {
    throw new Error('the queue was never joined');
  },
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Lets what is under way set its timer first. */
async function pass(clock: SimulatedClock, ms: number): Promise<void> {
  await turn();
  await clock.advance(ms);
}

describe('pauses', () => {
  const backOff = (free: number) =>
    new BackOff({ free, sessionTimeoutMs: () => 6000, random: () => 1 });

  it('begin after the free tries, and double up to a twelfth of the session timeout', () => {
    const pauses = backOff(2);
    const row = Array.from({ length: 8 }, () => pauses.nextMs(0));
    expect(row).toEqual([0, 0, 50, 100, 200, 400, 500, 500]);
  });

  it('start again after an attempt that worked for a third of the session timeout', () => {
    const pauses = backOff(1);
    expect([0, 0, 1999, 2000, 0].map((lastedMs) => pauses.nextMs(lastedMs))).toEqual([
      0, 50, 100, 0, 50,
    ]);
  });
});

describe.each<[string, Script]>([
  [
    'accepts handshakes and closes',
    async (connection) => {
      await connection.shakeHands({ timeoutMs: LONG_MS });
      connection.socket.end();
    },
  ],
  [
    'answers once and closes',
    async (connection) => {
      await connection.shakeHands({ timeoutMs: LONG_MS });
      const frame = await connection.frame();
      if (frame !== null) connection.answer(frame.readInt32BE(0), NO_NODE);
      connection.socket.end();
    },
  ],
])('a server that %s', (_, script) => {
  it('gets two more connections at once, then others with growing pauses', async () => {
    const { port, connections } = await startScriptedServer(script);
    const clock = new SimulatedClock();
    const access = openAccess([{ host: '127.0.0.1', port }]);
    const options = { timeoutMs: LONG_MS, clock, log: () => {}, random: () => 0 };
    const session = new Session({ ...access, ...options });
    onTestFinished(() => session.abandon());
    session.on('attached', () => void session.exists('/').catch(() => {}));
    const start = clock.now();
    await session.connect(LONG_MS);
    await expect.poll(() => connections.length).toBe(3);
    expect(clock.now()).toBe(start);
    // No time passes, no connection is made.
    for (let turns = 0; turns < 100; turns += 1) await turn();
    expect(connections).toHaveLength(3);
    while (connections.length < 12) {
      await clock.advance(5);
      await turn();
    }
    const pauses = [25, 50, 100, 200, 400, 500, 500, 500, 500];
    const leastMs = pauses.reduce((sum, pause) => sum + pause);
    expect(clock.now() - start).toBeGreaterThanOrEqual(leastMs);
  });
});

describe('another client', () => {
  it('that keeps deleting our node: it is created again with growing pauses', async () => {
    const clock = new SimulatedClock();
    let created = 0;
    const session = {
      create: async (path: string) => {
        created += 1;
        return { path: `${path}0000000001`, czxid: 1n };
      },
      getData: async () => ({ data: undefined, stat: {} }),
      getChildren: async () => [],
    };
    const lock = new Lock(session as unknown as LockSession, {
      ...{ path: '/lock', guid: 'g', kind: 'exclusive' as const, data: Buffer.alloc(0) },
    });
    const runner = runnerOf(clock, lock);
    void runner.join(true);
    await pass(clock, 0);
    expect(created).toBe(5);
    await pass(clock, 60_000);
    expect(created).toBeGreaterThan(50);
    // A second each, at half of that by chance.
    expect(created).toBeLessThan(140);
    runner.leave();
    await pass(clock, 10_000);
    const inTheEnd = created;
    await pass(clock, 60_000);
    expect(created).toBe(inTheEnd);
    expect(clock.timers).toBe(0);
  });

  it('that keeps changing what we wait for: it is read ten or twenty times a second', async () => {
    const clock = new SimulatedClock();
    let looks = 0;
    const queue = { position: 2, holders: [], behind: null };
    const runner = runnerOf(clock, {
      ownOrParentPath: '/lock',
      invalidate: () => {},
      withdraw: async () => {},
      advance: async (onChange) => {
        looks += 1;
        clock.setTimeout(onChange, 1);
        return { kind: 'queued', transient: false, next: null, queue };
      },
    });
    void runner.join(true);
    await pass(clock, 10);
    expect(looks).toBeGreaterThanOrEqual(10);
    await pass(clock, 10_000);
    expect(looks).toBeGreaterThan(90);
    expect(looks).toBeLessThan(20 + 200 + 10);
    runner.leave();
  });
});

function runnerOf(clock: SimulatedClock, recipe: ConstructorParameters<typeof RecipeRunner>[0]) {
  return new RecipeRunner(recipe, {
    clock,
    isAttached: () => true,
    onPosition: () => {},
    onSuspect: () => {},
    sessionTimeoutMs: () => 30_000,
  });
}

it('a pending look is cancelled', () => {
  const clock = new SimulatedClock();
  let looks = 0;
  const paced = new PacedRefresh({ clock, sessionTimeoutMs: () => 30_000 }, () => {
    looks += 1;
  });
  for (let changes = 0; changes < 1000; changes += 1) paced.changed();
  expect(looks).toBe(20);
  expect(clock.timers).toBe(1);
  paced.cancel();
  clock.pass(1000);
  expect(looks).toBe(20);
});

it('servers that refuse connections are tried with growing pauses, which close() ends', async () => {
  const clock = new SimulatedClock();
  let tries = 0;
  const unreachable = {
    on: () => {},
    abandon: () => {},
    close: async () => true,
    connect: async () => {
      tries += 1;
      throw new UnreachableError([]);
    },
  };
  const emitted: string[] = [];
  const contender = new Contender({
    ...{ clock, connectTimeoutMs: 30_000, killAfterMs: 500, runRecord: null },
    newSession: () => unreachable as unknown as Session,
    newRecipe: () => UNUSED,
    emit: ({ type }) => {
      emitted.push(type);
      if (type === 'session.unreachable') contender.send({ type: 'session.connect' });
    },
  });
  contender.send({ type: 'session.connect' });
  await pass(clock, 0);
  expect(tries).toBe(2);
  await pass(clock, 60_000);
  expect(tries).toBeGreaterThan(50);
  expect(tries).toBeLessThan(140);
  contender.send({ type: 'session.close' });
  await pass(clock, 60_000);
  expect(emitted.at(-1)).toBe('session.closed');
  expect(clock.timers).toBe(0);
});
