/** Our own node at a session whose answers and attachments a test controls. */
import { expect, it } from 'vitest';
import type { Attachment, OnChange, OwnerSession, Stat } from '../../../src/zookeeper/client.ts';
import { OwnNode } from '../../../src/zookeeper/own-node.ts';

const PATH = '/lock/node';
const attachment = (number: number): Attachment => ({
  ...{ number, server: 'server', handshakeSentAt: 0, timeoutMs: 4000 },
});
const CONFIRMATION = {
  ...{ attachment: 1, sentAt: 1, answeredAt: 2, order: { sent: 1, answered: 2 } },
};

/** `owner`: of the node that exists; null: none does. */
function nodeOf({ owner = 1n as bigint | null, beforeAnswer = () => {} } = {}) {
  const changes: string[] = [];
  let watch: OnChange = () => {};
  const session = {
    id: 1n,
    attached: attachment(1) as Attachment | null,
    check: async () => CONFIRMATION,
    exists: async (_path: string, onChange?: OnChange): Promise<Stat | null> => {
      watch = onChange ?? watch;
      beforeAnswer();
      return owner === null ? null : ({ czxid: 7n, ephemeralOwner: owner } as Stat);
    },
  } satisfies OwnerSession;
  const node = new OwnNode(session, (path) => changes.push(path));
  return { node, session, changes, fire: () => watch('changed') };
}

it('is verified by a leader-confirmed check and its owner', async () => {
  expect(await nodeOf().node.verify(PATH)).toEqual({ confirmation: CONFIRMATION, czxid: 7n });
});

it.each([
  ['is gone', null],
  ['belongs to another session', 2n],
])('has no zxid if it %s', async (_, owner) => {
  const { node } = nodeOf({ owner });
  expect(await node.verify(PATH)).toMatchObject({ czxid: null });
  expect(node.seen(PATH)).toBeNull();
});

it.each([
  ['none', null],
  ['another', attachment(2)],
])('is not verified if the session has %s when the answers are used', async (_, present) => {
  const { node, session } = nodeOf({
    beforeAnswer: () => {
      session.attached = present;
    },
  });
  expect(await node.verify(PATH)).toBeNull();
});

it('is known after it was read, until it changes', async () => {
  const { node, changes, fire } = nodeOf();
  await node.read(PATH);
  expect(node.seen(PATH)).toBe(7n);
  fire();
  expect(node.seen(PATH)).toBeNull();
  expect(changes).toEqual([PATH]);
});

it('is not known under another path, nor once a read found none', async () => {
  const { node, session } = nodeOf();
  await node.read(PATH);
  expect(node.seen(`${PATH}2`)).toBeNull();
  session.exists = async () => null;
  await node.read(PATH);
  expect(node.seen(PATH)).toBeNull();
});

it('is not known if it changed before the answer was used, nor on another attachment', async () => {
  const early = nodeOf({ beforeAnswer: () => early.fire() });
  await early.node.read(PATH);
  expect(early.node.seen(PATH)).toBeNull();
  const { node, session } = nodeOf();
  await node.read(PATH);
  session.attached = attachment(2);
  expect(node.seen(PATH)).toBeNull();
});
