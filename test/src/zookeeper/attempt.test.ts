/** The rules of one attempt at the lock, each with what would happen without it. */
import { describe, expect, it } from 'vitest';
import {
  at,
  contending,
  contendingWith,
  GRANTED,
  GRANTED_AT_ONCE,
  QUEUED,
  settled,
  T,
} from './contending.ts';

const RUN_RECORD = { path: '/lock.last', data: Buffer.from('') };
const NO_NODE = -101;
const NO_AUTH = -102;
const ANOTHER_SESSION = 99n;

/** A waiter whose lease is old; then its node is first. */
async function grantedLate(position = GRANTED) {
  const contention = contending(QUEUED);
  await contention.joined();
  await contention.clock.advance(3 * T);
  contention.events();
  await contention.moveTo(position);
  return contention;
}

async function holding(runRecord: typeof RUN_RECORD | null = null) {
  const contention = contendingWith(runRecord, GRANTED_AT_ONCE);
  await contention.joined();
  if (runRecord !== null) {
    contention.contender.send({ type: 'lock.confirm' });
    await contention.clock.advance(20);
  }
  expect(contention.events().at(-1)).toBe('lock.confirmed');
  return contention;
}

describe('a grant', () => {
  it('by an old lease is confirmed only after another proof', async () => {
    const { events } = await grantedLate(GRANTED_AT_ONCE);
    expect(events()).toEqual(['lock.granted']);
  });

  it('is not confirmed before the last run was read (--once-per)', async () => {
    const { contender, clock, events, joined } = contendingWith(RUN_RECORD, GRANTED_AT_ONCE);
    await joined();
    expect(events()).toEqual(['session.established', 'lock.granted']);
    contender.send({ type: 'lock.confirm' });
    await clock.advance(20);
    expect(events()).toEqual(['lock.confirmed']);
  });

  it('by a node of another session is a loss', async () => {
    const { contender, clock, sessions, events, last } = await grantedLate();
    at(sessions).owner = ANOTHER_SESSION;
    contender.send({ type: 'lock.confirm' });
    await clock.advance(50);
    expect(last()).toMatchObject({ type: 'session.lost', loss: { cause: 'nodeGone' } });
    expect(events()).not.toContain('lock.confirmed');
  });

  it('is not confirmed by answers that are read when the lease has ended', async () => {
    const { contender, clock, events } = await grantedLate();
    contender.send({ type: 'lock.confirm' });
    // The handshake is answered, the requests behind it are not.
    await clock.advance(11);
    events();
    await clock.sleep(T);
    expect(events()).not.toContain('lock.confirmed');
  });

  it('is not confirmed once the release was requested', async () => {
    const { contender, clock, events, renewals } = await grantedLate();
    contender.send({ type: 'lock.confirm' });
    await clock.advance(11);
    contender.send({ type: 'lock.release' });
    await clock.advance(50);
    expect(events()).toEqual(['lock.granted', 'lock.released']);
    await clock.advance(T);
    expect(renewals()).toBe(0);
  });
});

describe('an outage', () => {
  it('proves the lease by the handshake that ends it', async () => {
    const { clock, sessions, events, renewals } = await holding();
    await clock.advance(T / 10);
    events();
    at(sessions).drop('reset');
    await clock.advance(20);
    expect(renewals()).toBe(1);
    expect(events()).toEqual(['session.suspended', 'session.resumed']);
  });

  it.each([
    ['the leader', true, ['session.suspended', 'session.resumed']],
    ['a server by itself', false, ['session.suspended']],
  ])('while waiting, with "no such node" from %s', async (_, isCommitted, expected) => {
    const { clock, sessions, events, joined } = contending(QUEUED);
    await joined();
    events();
    at(sessions).fault = { number: NO_NODE, left: Number.POSITIVE_INFINITY, isCommitted };
    at(sessions).drop('reset');
    await clock.advance(T / 4);
    expect(events()).toEqual(expected);
  });

  it('is not over if the connection ends right behind the answer', async () => {
    const { clock, sessions, events, joined } = contending(QUEUED);
    await joined();
    const session = at(sessions);
    const check = session.check.bind(session);
    session.check = async () => {
      const confirmation = await check();
      session.drop('reset');
      return confirmation;
    };
    session.drop('reset');
    events();
    await clock.advance(100);
    expect(events()).toEqual([]);
    session.check = check;
    await clock.advance(100);
    expect(events()).toEqual(['session.resumed']);
  });
});

describe('after the release was requested', () => {
  it('the deletion of our node is no loss, whether its watch or a read shows it', async () => {
    const { contender, clock, sessions, events } = await holding();
    const session = at(sessions);
    session.owner = ANOTHER_SESSION;
    session.changeNode();
    contender.send({ type: 'lock.release' });
    session.changeNode();
    await clock.advance(T);
    expect(events()).toEqual(['lock.released']);
  });

  it('the lease is not renewed, and no timer is left', async () => {
    const { contender, clock, events, renewals } = await holding();
    contender.send({ type: 'lock.release' });
    await settled();
    await clock.advance(T);
    expect(events()).toEqual(['lock.released']);
    expect(renewals()).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it('the end of the session is requested behind the deletion', async () => {
    const { contender, sessions, recipe } = await holding();
    const requested: string[] = [];
    recipe.withdraw = async (onAsked) => {
      requested.push('deletion');
      onAsked?.();
    };
    at(sessions).askForEnd = () => void requested.push('end');
    contender.send({ type: 'lock.release' });
    await settled();
    expect(requested).toEqual(['deletion', 'end']);
  });
});

it('leaves no timer behind when a held session is closed', async () => {
  const { contender, clock, events } = await holding();
  contender.send({ type: 'session.close' });
  await settled();
  expect(events()).toEqual(['session.closed']);
  expect(clock.timers).toBe(0);
});

it('takes no step of the recipe in a lost session', async () => {
  const { contender, sessions, events, recipe, joined } = contending(QUEUED);
  await joined();
  at(sessions).emit('expired', { message: 'expired', by: 'server' });
  events();
  const { steps } = recipe;
  contender.send({ type: 'lock.join', blocking: true });
  await settled();
  expect(recipe.steps).toBe(steps);
  expect(events()).toEqual([]);
});

it('the third session in a row is delayed, and not created if lockex ends meanwhile', async () => {
  const { contender, clock, sessions } = contending();
  for (const _ of [1, 2, 3]) contender.send({ type: 'session.connect' });
  await settled();
  expect(sessions).toHaveLength(2);
  await clock.advance(100);
  expect(sessions).toHaveLength(3);
  contender.send({ type: 'session.connect' });
  contender.send({ type: 'session.close' });
  await clock.advance(T);
  expect(sessions).toHaveLength(3);
});

describe('a run is recorded', () => {
  it('while the lock is held, or it is reported that it could not be', async () => {
    const { contender, clock, sessions, last } = await holding(RUN_RECORD);
    contender.send({ type: 'run.record' });
    await settled();
    await clock.advance(20);
    expect(last()).toEqual({ type: 'run.recorded', confirmed: true, message: 'recorded' });
    at(sessions).fault = { number: NO_AUTH, left: 1 };
    contender.send({ type: 'run.record' });
    await settled();
    await clock.advance(20);
    expect(last()).toMatchObject({ type: 'run.recorded', confirmed: false });
  });

  it('no longer once the lease has ended', async () => {
    const { contender, clock, sessions, events } = await holding(RUN_RECORD);
    at(sessions).isAnswering = false;
    contender.send({ type: 'run.record' });
    await settled();
    await clock.advance(T);
    expect(events().at(-1)).toBe('session.lost');
    at(sessions).isAnswering = true;
    await clock.advance(3 * T);
    expect(events()).toEqual([]);
  });
});
