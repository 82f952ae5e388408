/**
 * The contender with a session, a queue and a clock that do as a test says: the events that it
 * emits when answers come late, not at all, or from a session that was replaced.
 */
import { expect, it } from 'vitest';
import { at, contending, GRANTED, GRANTED_AT_ONCE, QUEUED, settled, T } from './contending.ts';

const SYSTEM_ERROR = -1;

it('an unanswered proof at a grant is an outage, and is requested again after it', async () => {
  const { clock, contender, sessions, events, moveTo, joined } = contending(QUEUED);
  await joined();
  // Until a grant needs another proof of the lease.
  await clock.advance(3 * T);
  events();
  await moveTo(GRANTED);
  expect(events()).toEqual(['lock.granted']);
  at(sessions).isAnswering = false;
  contender.send({ type: 'lock.confirm' });
  await clock.advance(T / 2);
  // Only the handshake was answered.
  expect(at(sessions).reattachments).toEqual(['to confirm the lease']);
  expect(events()).toEqual([]);
  at(sessions).isAnswering = true;
  await clock.advance(T);
  expect(events()).toEqual(['session.suspended', 'session.resumed']);
  contender.send({ type: 'lock.confirm' });
  await clock.advance(20);
  expect(events()).toEqual(['lock.confirmed']);
});

it('a connection that ends while a grant is being confirmed on it is an outage', async () => {
  const { clock, contender, sessions, events, moveTo, joined } = contending(QUEUED);
  await joined();
  await clock.advance(3 * T);
  await moveTo(GRANTED);
  contender.send({ type: 'lock.confirm' });
  events();
  // Between the answer to the handshake and the one that confirms.
  await clock.advance(11);
  at(sessions).drop('reset');
  await clock.advance(50);
  expect(events()).toEqual(['session.suspended', 'session.resumed']);
});

it('no server to confirm a grant with is an outage after T/8', async () => {
  const { clock, contender, sessions, events, moveTo, joined } = contending(QUEUED);
  await joined();
  await clock.advance(3 * T);
  await moveTo(GRANTED);
  events();
  const session = at(sessions);
  session.reattach = (reason: string) => {
    session.attached = null;
    session.emit('detached', { reason });
  };
  contender.send({ type: 'lock.confirm' });
  await clock.advance(T / 8 - 1);
  expect(events()).toEqual([]);
  await clock.advance(1);
  expect(events()).toEqual(['session.suspended']);
});

it('holds the lock after an outage only if the node still belongs to our session', async () => {
  const { clock, sessions, events, last, joined } = contending(GRANTED_AT_ONCE);
  await joined();
  expect(events().at(-1)).toBe('lock.confirmed');
  at(sessions).drop('reset');
  await clock.advance(50);
  expect(events()).toEqual(['session.suspended', 'session.resumed']);
  // Deleted, and created again by another session.
  at(sessions).owner = 99n;
  at(sessions).drop('reset');
  await clock.advance(50);
  expect(last()).toMatchObject({ type: 'session.lost', loss: { cause: 'nodeGone' } });
});

it('pending requests of an old session do not disturb the new one', async () => {
  const { clock, sessions, events, joined } = contending(GRANTED_AT_ONCE, QUEUED);
  await joined();
  await clock.advance(T / 2);
  // Attached to a follower that has lost its leader: it accepts the session and answers nothing.
  at(sessions).isAnswering = false;
  at(sessions).drop('reset');
  while (!events().includes('session.lost')) await clock.advance(10);
  await joined();
  await clock.advance(2 * T);
  expect(at(sessions, 1).reattachments).toEqual([]);
  expect(events()).toEqual(['session.established', 'lock.queued']);
});

it('drops the events of a session that was replaced', async () => {
  const { clock, sessions, events, joined } = contending(QUEUED, QUEUED);
  await joined();
  at(sessions).emit('expired', { message: 'expired', by: 'server' });
  expect(events().at(-1)).toBe('session.lost');
  await joined();
  events();
  at(sessions).emit('expired', { message: 'expired', by: 'server' });
  at(sessions).emit('detached', { reason: 'reset' });
  at(sessions).emit('attached', at(sessions).attached);
  await clock.advance(50);
  expect(events()).toEqual([]);
});

it.each([
  ['queued', QUEUED, 'session.suspended'],
  ['holding', GRANTED_AT_ONCE, 'session.suspended'],
] as const)('while %s, it resumes only when the leader has confirmed a request', async (...row) => {
  const [, position, last] = row;
  const { clock, sessions, events, joined } = contending(position);
  await joined();
  events();
  at(sessions).isAnswering = false;
  at(sessions).drop('reset');
  // Handshakes are answered, and nothing else.
  await clock.advance(T / 2);
  expect(at(sessions).isAttached).toBe(true);
  expect(events().at(-1)).toBe(last);
  at(sessions).isAnswering = true;
  at(sessions).drop('reset');
  await clock.advance(50);
  expect(events()).toEqual(['session.resumed']);
});

it('a handshake without a leader-confirmed request grants nothing', async () => {
  const { clock, contender, sessions, events, moveTo, joined } = contending(QUEUED);
  await joined();
  await clock.advance(3 * T);
  events();
  at(sessions).isAnswering = false;
  at(sessions).drop('reset');
  await clock.advance(20);
  await moveTo(GRANTED_AT_ONCE);
  contender.send({ type: 'lock.join', blocking: true });
  await clock.advance(20);
  expect(events()).toEqual(['session.suspended']);
});

it('a node that was deleted and created by another session is lost when its watch fires', async () => {
  const { clock, sessions, last, joined } = contending(GRANTED_AT_ONCE);
  await joined();
  at(sessions).owner = 99n;
  at(sessions).changeNode();
  await clock.advance(5);
  expect(last()).toMatchObject({ type: 'session.lost', loss: { cause: 'nodeGone' } });
});

it('joins the queue also if the connection ended right before the command to join', async () => {
  const { clock, contender, sessions, events } = contending(QUEUED);
  contender.send({ type: 'session.connect' });
  await clock.advance(12);
  at(sessions).drop('reset');
  contender.send({ type: 'lock.join', blocking: true });
  await clock.advance(50);
  expect(events()).toEqual(['session.established', 'session.suspended', 'session.resumed']);
  contender.send({ type: 'lock.join', blocking: true });
  await settled();
  expect(events()).toEqual(['lock.queued']);
});

it('a pause after errors on one connection does not end the next one', async () => {
  const { clock, contender, sessions, events, moveTo, joined } = contending(QUEUED);
  await joined();
  await clock.advance(3 * T);
  await moveTo(GRANTED);
  const session = at(sessions);
  session.fault = { number: SYSTEM_ERROR, left: Number.POSITIVE_INFINITY };
  contender.send({ type: 'lock.confirm' });
  while (session.reattachments.length < 2) await clock.advance(1);
  // On the new connection the next error comes after 2 ms, and a pause of 50 ms or more behind it.
  await clock.advance(15);
  session.fault = null;
  session.drop('reset');
  events();
  await clock.advance(20);
  expect(events()).toEqual(['session.resumed']);
  contender.send({ type: 'lock.confirm' });
  const reattachments = session.reattachments.length;
  await clock.advance(T);
  expect(events()).toEqual(['lock.confirmed']);
  expect(session.reattachments).toHaveLength(reattachments);
});
