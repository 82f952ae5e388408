/** One connection by itself. */
import { once } from 'node:events';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { systemClock } from '../../../../src/util/clock.ts';
import { Connection, type EndReason } from '../../../../src/zookeeper/session/connection.ts';
import { RequestNumbers } from '../../../../src/zookeeper/session/request-numbers.ts';
import { SessionIdentity } from '../../../../src/zookeeper/session/session-identity.ts';

const T = 4000;

it('ends once if a listener of its socket ends it before the handshake', async () => {
  const ended: EndReason[] = [];
  const socket = new Socket();
  const connection: Connection = new Connection({
    ...new SessionIdentity(T, undefined).handshakeRequest,
    ...{ numbers: RequestNumbers.ofOwner(), chroot: '', handshakeDeadlineMs: T },
    ...{ clock: systemClock, log: () => {}, credentials: () => null, defer: setImmediate },
    openSocket: () => socket,
    onConnected: () => connection.end('abandoned'),
    onAttached: () => {},
    onEnded: (reason) => ended.push(reason),
    onHeard: () => {},
    onUnderstood: () => {},
  });
  connection.connect();
  socket.emit('connect');
  expect(connection.isShakingHands).toBe(false);
  await once(socket, 'close');
  expect(ended).toEqual([{ kind: 'failed', message: 'abandoned' }]);
});
