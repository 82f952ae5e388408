/**
 * Every error code of every server version, and unknown ones, in every phase of a contender: the
 * table itself, and the contender's behaviour when a server answers with an error for a while, or
 * for ever.
 */
import { describe, expect, it } from 'vitest';
import type { ZookeeperEvent } from '../../../machines/contract.ts';
import { pauseMs } from '../../../src/zookeeper/back-off.ts';
import { Contender } from '../../../src/zookeeper/contender.ts';
import {
  actionOn,
  ERROR_ACTIONS,
  ERROR_CLASSES,
  type ErrorPhase,
  MAX_SUSPECT_ANSWERS,
  mayHaveHappened,
} from '../../../src/zookeeper/error-policy.ts';
import { errorCodeOf } from '../../../src/zookeeper/errors.ts';
import type { Position, Recipe } from '../../../src/zookeeper/recipes/recipe.ts';
import type { Session } from '../../../src/zookeeper/session/session.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { FakeSession, NODE } from './fake-session.ts';

/** `KeeperException.Code` of 3.4 to 3.9 without OK, by its own names. */
const SERVER_CODES = {
  SYSTEMERROR: -1,
  RUNTIMEINCONSISTENCY: -2,
  DATAINCONSISTENCY: -3,
  CONNECTIONLOSS: -4,
  MARSHALLINGERROR: -5,
  UNIMPLEMENTED: -6,
  OPERATIONTIMEOUT: -7,
  BADARGUMENTS: -8,
  UNKNOWNSESSION: -12,
  NEWCONFIGNOQUORUM: -13,
  RECONFIGINPROGRESS: -14,
  APIERROR: -100,
  NONODE: -101,
  NOAUTH: -102,
  BADVERSION: -103,
  NOCHILDRENFOREPHEMERALS: -108,
  NODEEXISTS: -110,
  NOTEMPTY: -111,
  SESSIONEXPIRED: -112,
  INVALIDCALLBACK: -113,
  INVALIDACL: -114,
  AUTHFAILED: -115,
  SESSIONMOVED: -118,
  NOTREADONLY: -119,
  EPHEMERALONLOCALSESSION: -120,
  NOWATCHER: -121,
  REQUESTTIMEOUT: -122,
  RECONFIGDISABLED: -123,
  SESSIONCLOSEDREQUIRESASLAUTH: -124,
  QUOTAEXCEEDED: -125,
  THROTTLEDOP: -127,
};
const UNKNOWN_CODES = {
  'an unknown code': -126,
  'a future code': -999,
  'a positive code': 5,
};
const CODES = Object.entries({ ...SERVER_CODES, ...UNKNOWN_CODES });
const PHASES = Object.keys(ERROR_ACTIONS) as ErrorPhase[];

const actionFor = (number: number, phase: ErrorPhase) =>
  actionOn({ code: errorCodeOf(number) }, phase);

describe('the table', () => {
  it('has a name of its own for every code of the servers', () => {
    const names = Object.values(SERVER_CODES).map(errorCodeOf);
    expect(names).not.toContain('UNKNOWN');
    expect(new Set(names).size).toBe(names.length);
    // UNKNOWN is one more.
    expect(Object.keys(ERROR_CLASSES)).toHaveLength(names.length + 1);
    for (const number of Object.values(UNKNOWN_CODES)) expect(errorCodeOf(number)).toBe('UNKNOWN');
  });

  describe.each(CODES)('%s (%d)', (name, number) => {
    it('ends a hold at once only if our node is gone', () => {
      for (const phase of PHASES) {
        const isAboutNode = ['confirming', 'resuming', 'holding', 'renewing'].includes(phase);
        const isGone = actionFor(number, phase) === 'nodeGone';
        expect(isGone, phase).toBe(name === 'NONODE' && isAboutNode);
      }
    });

    it('refuses nothing once the command may run', () => {
      const later = ['resuming', 'holding', 'renewing', 'recording', 'releasing', 'closing'];
      for (const phase of later as ErrorPhase[])
        expect(actionFor(number, phase)).not.toBe('refuse');
    });

    it('never counts as success, except if the node to delete is gone', () => {
      for (const phase of PHASES) {
        const isDone = actionFor(number, phase) === 'done';
        expect(isDone, phase).toBe(name === 'NONODE' && phase === 'releasing');
      }
    });

    it('is ignored only in phases in which the request is sent again anyway', () => {
      // The grant repeats what was to be prepared, and the lease keeper sends the next renewal.
      const askAgain = ['preparing', 'renewing'];
      for (const phase of PHASES) {
        if (actionFor(number, phase) === 'ignore') expect(askAgain).toContain(phase);
      }
    });
  });

  it('counts a throttled or refused request as not carried out', () => {
    const unknown = CODES.filter(([, number]) => mayHaveHappened({ code: errorCodeOf(number) }));
    const names = unknown.map(([name]) => name);
    for (const name of [
      'CONNECTIONLOSS',
      'OPERATIONTIMEOUT',
      'MARSHALLINGERROR',
      'a positive code',
    ]) {
      expect(names).toContain(name);
    }
    for (const name of ['THROTTLEDOP', 'NONODE', 'NOAUTH', 'NODEEXISTS', 'BADVERSION']) {
      expect(names).not.toContain(name);
    }
  });

  it('pauses longer after each error, up to a twelfth of the session timeout', () => {
    const pauses = [0, 1, 2, 3, 4, 5, 20].map((round) => pauseMs(round, 6000, 1));
    expect(pauses).toEqual([50, 100, 200, 400, 500, 500, 500]);
    expect(pauseMs(20, 120_000, 1)).toBe(1000);
    expect(pauseMs(0, 6000, 0)).toBe(25);
  });
});

const T = 4000;
const GRANTED: Position = { kind: 'granted', path: NODE, createdZxid: null };

/**
 * A contender at a server that answers with errors; its events, and the machine's commands upon
 * them.
 */
function contending({ confirms = true, once = false } = {}) {
  const clock = new SimulatedClock();
  const session = new FakeSession(clock, T);
  const emitted: ZookeeperEvent[] = [];
  let isHeld = false;
  const contender = new Contender({
    clock,
    connectTimeoutMs: T,
    killAfterMs: 500,
    runRecord: once ? { path: '/lock-__once__', data: Buffer.from('me') } : null,
    newSession: () => session as unknown as Session,
    newRecipe: (): Recipe => ({
      ownOrParentPath: NODE,
      advance: async () => await session.ask(() => GRANTED),
      invalidate: () => {},
      withdraw: async () => await session.ask(() => {}),
    }),
    emit: (event) => {
      emitted.push(event);
      // As the machine does.
      if (event.type === 'lock.granted' && confirms) contender.send({ type: 'lock.confirm' });
      isHeld ||= event.type === 'lock.confirmed';
      if (event.type !== 'session.resumed' || isHeld) return;
      const next = has('lock.granted') ? 'lock.confirm' : 'lock.join';
      if (next === 'lock.confirm') contender.send({ type: next });
      else contender.send({ type: next, blocking: true });
    },
  });
  const has = (type: ZookeeperEvent['type']) => emitted.some((event) => event.type === type);
  const until = async (...types: ZookeeperEvent['type'][]) => {
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 10) {
      if (types.some(has)) return true;
      await clock.advance(10);
    }
    return false;
  };
  return {
    clock,
    contender,
    session,
    emitted,
    has,
    of: (type: ZookeeperEvent['type']) => emitted.filter((event) => event.type === type),
    /** Until one of these was emitted; false after a minute. */
    until,
    connect: async () => {
      contender.send({ type: 'session.connect' });
      await clock.advance(20);
    },
    hold: async () => {
      contender.send({ type: 'session.connect' });
      await clock.advance(20);
      contender.send({ type: 'lock.join', blocking: true });
      expect(await until('lock.confirmed')).toBe(true);
      emitted.splice(0);
    },
  };
}

const denied = [
  ...['UNIMPLEMENTED', 'BADARGUMENTS', 'NEWCONFIGNOQUORUM', 'RECONFIGINPROGRESS', 'NOAUTH'],
  ...['NOCHILDRENFOREPHEMERALS', 'INVALIDCALLBACK', 'INVALIDACL', 'AUTHFAILED'],
  ...['EPHEMERALONLOCALSESSION', 'NOWATCHER', 'RECONFIGDISABLED', 'QUOTAEXCEEDED'],
];
const conflicts = ['BADVERSION', 'NODEEXISTS', 'NOTEMPTY'];

describe.each(CODES)('%s (%d)', (name, number) => {
  const isRefusal = [...denied, ...conflicts].includes(name);
  const ERRORS = 3;

  it('while waiting: the lock is refused, or acquired as soon as the server works', async () => {
    const { session, connect, contender, until, has, of } = contending();
    await connect();
    session.fault = { number, left: ERRORS };
    contender.send({ type: 'lock.join', blocking: true });
    expect(await until('lock.confirmed', 'lock.refused')).toBe(true);
    expect(has('lock.refused')).toBe(isRefusal || name === 'NONODE');
    expect(of('lock.refused').length + of('lock.confirmed').length).toBe(1);
  });

  it('at a grant: refused, gone, or confirmed as soon as the server works', async () => {
    const { session, clock, connect, contender, until, has } = contending({ confirms: false });
    await connect();
    contender.send({ type: 'lock.join', blocking: true });
    expect(await until('lock.granted')).toBe(true);
    session.fault = { number, left: ERRORS };
    contender.send({ type: 'lock.confirm' });
    expect(await until('lock.confirmed', 'lock.refused', 'session.lost')).toBe(true);
    expect(has('lock.refused')).toBe(isRefusal);
    expect(has('session.lost')).toBe(name === 'NONODE');
    await clock.advance(100);
  });

  it('after a reconnection of a holder: resumed as soon as the server works', async () => {
    const { session, hold, until, has, emitted } = contending();
    await hold();
    session.fault = { number, left: ERRORS };
    session.drop('reset');
    expect(await until('session.resumed', 'session.lost')).toBe(true);
    expect(has('session.lost'), JSON.stringify(emitted)).toBe(name === 'NONODE');
    expect(has('lock.refused')).toBe(false);
  });

  it('indefinitely after a reconnection: the lease ends, and the server is not flooded', async () => {
    const { session, hold, until, has, of } = contending();
    await hold();
    session.fault = { number, left: Number.POSITIVE_INFINITY };
    session.drop('reset');
    expect(await until('session.lost')).toBe(true);
    const cause = name === 'NONODE' ? 'nodeGone' : 'leaseEnding';
    expect(of('session.lost')).toMatchObject([{ loss: { cause } }]);
    expect(has('session.resumed')).toBe(false);
    expect(has('lock.refused')).toBe(false);
    // Where the connection ends each time, it is the session that pauses (session.ts).
    const isEnding = ERROR_CLASSES[errorCodeOf(number)] === 'disconnected';
    if (!isEnding) expect(session.failed).toBeLessThan(50);
  });

  it('in answer to renewals: the lock is kept through a short time of them', async () => {
    const { session, clock, hold, has, of } = contending();
    await hold();
    session.fault = { number, left: ERRORS };
    await clock.advance(3 * T);
    if (name !== 'NONODE') expect(session.fault.left).toBe(0);
    expect(has('session.lost')).toBe(name === 'NONODE');
    expect(of('session.suspended').length).toBe(of('session.resumed').length);
  });

  it('in answer to a record of the run: retried, or given up with the reason', async () => {
    const { session, clock, hold, contender, until, of, has } = contending({ once: true });
    await hold();
    // Not the renewals: these have their own test.
    const setData = session.setData.bind(session);
    let left = ERRORS;
    session.setData = async () => {
      session.fault = { number, left: left > 0 ? 1 : 0 };
      left -= 1;
      try {
        return await setData();
      } finally {
        session.fault = null;
      }
    };
    contender.send({ type: 'run.record' });
    expect(await until('run.recorded')).toBe(true);
    const isMade = !denied.includes(name);
    expect(of('run.recorded')).toMatchObject([{ confirmed: isMade }]);
    await clock.advance(T);
    expect(has('session.lost')).toBe(false);
    expect(of('session.suspended').length).toBe(of('session.resumed').length);
  });

  it('in answer to the release: retried, given up, or counted as done', async () => {
    const { session, hold, contender, until, of } = contending();
    await hold();
    session.fault = { number, left: ERRORS };
    contender.send({ type: 'lock.release' });
    expect(await until('lock.released')).toBe(true);
    expect(of('lock.released')).toMatchObject([{ confirmed: !isRefusal }]);
  });
});

it('while waiting, a server that accepts the session and fails all requests ends it', async () => {
  const { session, connect, contender, until, of } = contending();
  await connect();
  session.fault = { number: -5, left: Number.POSITIVE_INFINITY };
  contender.send({ type: 'lock.join', blocking: true });
  expect(await until('session.lost')).toBe(true);
  expect(session.reattachments).toHaveLength(MAX_SUSPECT_ANSWERS + 1);
  const message = expect.stringContaining('MARSHALLINGERROR');
  expect(of('session.lost')).toMatchObject([{ loss: { message } }]);
});

it('while waiting, a server that throttles for a long time refuses nothing', async () => {
  const { session, connect, contender, clock, until, has } = contending();
  await connect();
  session.fault = { number: -127, left: Number.POSITIVE_INFINITY };
  contender.send({ type: 'lock.join', blocking: true });
  await clock.advance(10 * T);
  expect(has('lock.refused')).toBe(false);
  // With pauses of a twelfth of T, or half of that.
  expect(session.failed).toBeLessThan(10 * 24 + 10);
  expect(session.reattachments).toEqual([]);
  session.fault = null;
  expect(await until('lock.confirmed')).toBe(true);
});
