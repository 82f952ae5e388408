/** A contender with a session, a queue and a clock that do as a test says. */
import type { ZookeeperEvent } from '../../../machines/contract.ts';
import { Contender } from '../../../src/zookeeper/contender.ts';
import type { Position, Recipe } from '../../../src/zookeeper/recipes/recipe.ts';
import type { RunRecordOptions } from '../../../src/zookeeper/recipes/run-record.ts';
import type { Session } from '../../../src/zookeeper/session/session.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { FakeSession, NODE } from './fake-session.ts';

export const T = 4000;
export const QUEUED: Position = {
  kind: 'queued',
  transient: false,
  next: null,
  queue: { position: 2, holders: [], behind: null },
};
export const GRANTED: Position = { kind: 'granted', path: NODE, createdZxid: null };
export const GRANTED_AT_ONCE: Position = { ...GRANTED, createdZxid: 7n };

/** `positions`: of the first session, the second, and so on. */
export const contending = (...positions: Position[]) => contendingWith(null, ...positions);

export function contendingWith(runRecord: RunRecordOptions | null, ...positions: Position[]) {
  const clock = new SimulatedClock();
  const sessions: FakeSession[] = [];
  const emitted: ZookeeperEvent[] = [];
  let onChange = () => {};
  const recipe = { steps: 0, withdraw: async (_onAsked?: () => void): Promise<void> => {} };
  const contender = new Contender({
    clock,
    connectTimeoutMs: T,
    killAfterMs: 500,
    runRecord,
    newSession: () => {
      const session = new FakeSession(clock, T, BigInt(sessions.length + 1));
      sessions.push(session);
      return session as unknown as Session;
    },
    newRecipe: (): Recipe => {
      const number = sessions.length - 1;
      return {
        ownOrParentPath: NODE,
        advance: async (changed) => {
          onChange = changed;
          recipe.steps += 1;
          return positions[number] ?? QUEUED;
        },
        invalidate: () => {},
        withdraw: (onAsked) => recipe.withdraw(onAsked),
      };
    },
    emit: (event) => emitted.push(event),
  });
  const types = () => emitted.map(({ type }) => type).filter((type) => type !== 'lease.renewed');
  return {
    clock,
    contender,
    sessions,
    recipe,
    renewals: () => emitted.filter(({ type }) => type === 'lease.renewed').length,
    last: () => emitted.filter(({ type }) => type !== 'lease.renewed').at(-1),
    /** The types of the events since the last call, without renewals. */
    events: () => {
      const events = types();
      emitted.splice(0);
      return events;
    },
    moveTo: async (position: Position) => {
      positions[sessions.length - 1] = position;
      onChange();
      await settled();
    },
    joined: async () => {
      contender.send({ type: 'session.connect' });
      await clock.advance(20);
      contender.send({ type: 'lock.join', blocking: true });
      await settled();
      await clock.advance(20);
    },
  };
}

/** The only session, or the one of that number. */
export function at<V>(list: readonly V[], index = 0): V {
  const found = list[index];
  if (found === undefined) throw new Error(`there is no number ${index}`);
  return found;
}

/** Resolves after all pending promise callbacks have run. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
