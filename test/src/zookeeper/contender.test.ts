/**
 * The contender with a session, a queue and a clock that do as a test says: what it tells the machine
 * when answers come late, not at all, or from a session that is not the present one.
 */
import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { ZookeeperEvent } from '../../../machines/contract.ts';
import { Contender } from '../../../src/zookeeper/contender.ts';
import { type RequestError, requestError } from '../../../src/zookeeper/errors.ts';
import type { Position, Recipe } from '../../../src/zookeeper/recipes/recipe.ts';
import type { Attachment, Session } from '../../../src/zookeeper/session/session.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const T = 4000;
const NODE = '/lock/node';
const QUEUED: Position = {
  kind: 'queued',
  transient: false,
  next: null,
  queue: { position: 2, holders: [], behind: null },
};
const GRANTED: Position = { kind: 'granted', path: NODE, createdZxid: null };
const GRANTED_AT_ONCE: Position = { ...GRANTED, createdZxid: 7n };

/** Attaches after 10 ms, answers after 2 ms; or takes connections and answers nothing. */
class FakeSession extends EventEmitter {
  readonly #clock: SimulatedClock;
  readonly id: bigint;
  attached: Attachment | null = null;
  isAnswering = true;
  /** Every question is answered with this error; null: with what is asked for. */
  error: RequestError | null = null;
  owner: bigint;
  #onChange = () => {};
  readonly reattachments: string[] = [];
  #events = 0;
  #attachments = 0;
  #isOver = false;

  constructor(clock: SimulatedClock, id: bigint) {
    super();
    this.#clock = clock;
    this.id = id;
    this.owner = id;
  }

  get isAttached() {
    return this.attached !== null;
  }

  get info() {
    return { server: 'server', timeoutMs: T };
  }

  async connect() {
    await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, 10));
    this.#attach();
  }

  reattach(reason: string) {
    this.reattachments.push(reason);
    this.drop(reason);
  }

  /** The connection ends, and another stands soon. */
  drop(reason: string) {
    if (this.attached === null) return;
    this.attached = null;
    this.emit('detached', { reason });
    this.#clock.setTimeout(() => this.#attach(), 10);
  }

  /** Asks behind what is not answered, and gives that up. */
  async close(boundMs: number) {
    await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, boundMs));
    this.#isOver = true;
    return false;
  }

  check() {
    const sent = this.#numbered();
    const sentAt = this.#clock.now();
    const attachment = this.#attachments;
    return this.#ask(() => ({
      attachment,
      sentAt,
      answeredAt: this.#clock.now(),
      order: { sent, answered: this.#numbered() },
    }));
  }

  /** The watch on our node tells of a change. */
  changeNode() {
    this.#onChange();
  }

  exists(_path: string, onChange: () => void) {
    this.#onChange = onChange;
    return this.#ask(() => ({ czxid: 7n, ephemeralOwner: this.owner }));
  }

  #attach() {
    if (this.#isOver) return;
    this.#attachments += 1;
    this.attached = {
      server: 'server',
      number: this.#attachments,
      handshakeSentAt: this.#clock.now() - 1,
      timeoutMs: T,
    };
    this.emit('attached', this.attached);
  }

  #numbered() {
    this.#events += 1;
    return this.#events;
  }

  #ask<V>(answer: () => V): Promise<V> {
    const { isAnswering } = this;
    const on = this.attached;
    return new Promise((resolve, reject) => {
      const fail = (code: 'CONNECTION_LOSS' | 'TIMEOUT') => reject(requestError(code, NODE));
      if (on === null) return fail('CONNECTION_LOSS');
      if (!isAnswering) return void this.#clock.setTimeout(() => fail('TIMEOUT'), (T * 2) / 3);
      this.#clock.setTimeout(() => {
        if (this.attached === on && this.error !== null) reject(this.error);
        else if (this.attached === on) resolve(answer());
        else fail('CONNECTION_LOSS');
      }, 2);
    });
  }
}

/** `standings`: what the queue says of each session in turn. */
function contending(...standings: Position[]) {
  const clock = new SimulatedClock();
  const sessions: FakeSession[] = [];
  const said: ZookeeperEvent[] = [];
  let onChange = () => {};
  const contender = new Contender({
    clock,
    connectTimeoutMs: T,
    killAfterMs: 500,
    runRecord: null,
    newSession: () => {
      const session = new FakeSession(clock, BigInt(sessions.length + 1));
      sessions.push(session);
      return session as unknown as Session;
    },
    newRecipe: (): Recipe => {
      const number = sessions.length - 1;
      return {
        ownOrParentPath: NODE,
        advance: async (changed) => {
          onChange = changed;
          return standings[number] ?? QUEUED;
        },
        doubt: () => {},
        withdraw: async () => {},
      };
    },
    emit: (event) => said.push(event),
  });
  const types = () => said.map(({ type }) => type).filter((type) => type !== 'lease.renewed');
  return {
    clock,
    contender,
    sessions,
    last: () => said.filter(({ type }) => type !== 'lease.renewed').at(-1),
    /** What was said since the last call. */
    heard: () => {
      const heard = types();
      said.splice(0);
      return heard;
    },
    stands: async (standing: Position) => {
      standings[sessions.length - 1] = standing;
      onChange();
      await clock.advance(0);
    },
    joined: async () => {
      contender.send({ type: 'session.connect' });
      await clock.advance(20);
      contender.send({ type: 'lock.join', blocking: true });
      await clock.advance(20);
    },
  };
}

/** The only session, or the one of that number. */
function at<V>(list: readonly V[], index = 0): V {
  const found = list[index];
  if (found === undefined) throw new Error(`there is no number ${index}`);
  return found;
}

it('a proof at a grant that is not answered is an outage, and asked for again behind it', async () => {
  const { clock, contender, sessions, heard, stands, joined } = contending(QUEUED);
  await joined();
  // So long that the lease has to be proven when the grant comes.
  await clock.advance(3 * T);
  heard();
  await stands(GRANTED);
  expect(heard()).toEqual(['lock.granted']);
  at(sessions).isAnswering = false;
  contender.send({ type: 'lock.confirm' });
  await clock.advance(T / 2);
  // The handshake was answered, and no more.
  expect(at(sessions).reattachments).toEqual(['to prove the lease']);
  expect(heard()).toEqual([]);
  at(sessions).isAnswering = true;
  await clock.advance(T);
  expect(heard()).toEqual(['session.suspended', 'session.resumed']);
  contender.send({ type: 'lock.confirm' });
  await clock.advance(20);
  expect(heard()).toEqual(['lock.confirmed']);
});

it('a connection that goes while a grant is being proven on it is an outage', async () => {
  const { clock, contender, sessions, heard, stands, joined } = contending(QUEUED);
  await joined();
  await clock.advance(3 * T);
  await stands(GRANTED);
  contender.send({ type: 'lock.confirm' });
  heard();
  // Between the answer to the handshake and the one that confirms.
  await clock.advance(11);
  at(sessions).drop('reset');
  await clock.advance(50);
  expect(heard()).toEqual(['session.suspended', 'session.resumed']);
});

it('a server that is not there when a grant is to be proven is an outage after T/8', async () => {
  const { clock, contender, sessions, heard, stands, joined } = contending(QUEUED);
  await joined();
  await clock.advance(3 * T);
  await stands(GRANTED);
  heard();
  const session = at(sessions);
  session.reattach = (reason: string) => {
    session.attached = null;
    session.emit('detached', { reason });
  };
  contender.send({ type: 'lock.confirm' });
  await clock.advance(T / 8 - 1);
  expect(heard()).toEqual([]);
  await clock.advance(1);
  expect(heard()).toEqual(['session.suspended']);
});

it('is holding on after an outage only if the node is still of our session', async () => {
  const { clock, sessions, heard, last, joined } = contending(GRANTED_AT_ONCE);
  await joined();
  expect(heard().at(-1)).toBe('lock.confirmed');
  at(sessions).drop('reset');
  await clock.advance(50);
  expect(heard()).toEqual(['session.suspended', 'session.resumed']);
  // Deleted by somebody, and made again by another.
  at(sessions).owner = 99n;
  at(sessions).drop('reset');
  await clock.advance(50);
  expect(last()).toMatchObject({ type: 'session.lost', loss: { cause: 'nodeGone' } });
});

it('what an old session waited for in vain does not disturb the new one', async () => {
  const { clock, sessions, heard, joined } = contending(GRANTED_AT_ONCE, QUEUED);
  await joined();
  await clock.advance(T / 2);
  // Attached to a follower that has lost its leader: it takes the session and answers nothing.
  at(sessions).isAnswering = false;
  at(sessions).drop('reset');
  while (!heard().includes('session.lost')) await clock.advance(10);
  await joined();
  await clock.advance(2 * T);
  expect(at(sessions, 1).reattachments).toEqual([]);
  expect(heard()).toEqual(['session.established', 'lock.queued']);
});

it.each([
  ['queued', QUEUED, 'session.suspended'],
  ['holding', GRANTED_AT_ONCE, 'session.suspended'],
] as const)('%s, it resumes only when the leader has confirmed a request', async (...row) => {
  const [, standing, last] = row;
  const { clock, sessions, heard, joined } = contending(standing);
  await joined();
  heard();
  at(sessions).isAnswering = false;
  at(sessions).drop('reset');
  // Handshakes are answered, and nothing else.
  await clock.advance(T / 2);
  expect(at(sessions).isAttached).toBe(true);
  expect(heard().at(-1)).toBe(last);
  at(sessions).isAnswering = true;
  at(sessions).drop('reset');
  await clock.advance(50);
  expect(heard()).toEqual(['session.resumed']);
});

it('no grant comes of a handshake that the leader has not confirmed', async () => {
  const { clock, contender, sessions, heard, stands, joined } = contending(QUEUED);
  await joined();
  await clock.advance(3 * T);
  heard();
  at(sessions).isAnswering = false;
  at(sessions).drop('reset');
  await clock.advance(20);
  await stands(GRANTED_AT_ONCE);
  contender.send({ type: 'lock.join', blocking: true });
  await clock.advance(20);
  expect(heard()).not.toContain('lock.confirmed');
});

it('a node that was deleted and made again by another is lost as soon as its watch tells', async () => {
  const { clock, sessions, last, joined } = contending(GRANTED_AT_ONCE);
  await joined();
  at(sessions).owner = 99n;
  at(sessions).changeNode();
  await clock.advance(5);
  expect(last()).toMatchObject({ type: 'session.lost', loss: { cause: 'nodeGone' } });
});

it('joins the queue also if the connection went between the handshake and the wish to join', async () => {
  const { clock, contender, sessions, heard } = contending(QUEUED);
  contender.send({ type: 'session.connect' });
  await clock.advance(12);
  at(sessions).drop('reset');
  contender.send({ type: 'lock.join', blocking: true });
  await clock.advance(50);
  expect(heard()).toEqual(['session.established', 'session.suspended', 'session.resumed']);
  contender.send({ type: 'lock.join', blocking: true });
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard()).toEqual(['lock.queued']);
});

it('a pause after errors on one connection does not end the next one', async () => {
  const { clock, contender, sessions, heard, stands, joined } = contending(QUEUED);
  await joined();
  await clock.advance(3 * T);
  await stands(GRANTED);
  const session = at(sessions);
  session.error = requestError('SYSTEM_ERROR', NODE);
  contender.send({ type: 'lock.confirm' });
  while (session.reattachments.length < 2) await clock.advance(1);
  // On the new connection the next error comes after 2 ms, and a pause of 50 ms or more behind it.
  await clock.advance(15);
  session.error = null;
  session.drop('reset');
  heard();
  await clock.advance(20);
  expect(heard()).toEqual(['session.resumed']);
  contender.send({ type: 'lock.confirm' });
  const reattachments = session.reattachments.length;
  await clock.advance(T);
  expect(heard()).toEqual(['lock.confirmed']);
  expect(session.reattachments).toHaveLength(reattachments);
});
