/**
 * A server for one run of each program at build time, so that V8 compiles the code that a start
 * uses. It sends only the replies of ZooKeeper to the single contender of a lock. No test uses it.
 * (Frames: zookeeper.jute in ZooKeeper's sources.)
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

const SESSION_ID = Buffer.alloc(8, 1);
const OPERATION = { create: 1, remove: 2, exists: 3, getData: 4, getChildren2: 12, close: -11 };
const SEQUENCE = '0000000000';

/** @returns a server on loopback */
export async function startRehearsal(): Promise<{ port: number; close: () => void }> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    let isAttached = false;
    let created = '';
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const frame = received.subarray(4, 4 + received.readInt32BE(0));
        received = received.subarray(4 + frame.length);
        if (!isAttached) {
          isAttached = true;
          socket.write(framed(handshakeAnswer(frame)));
          continue;
        }
        const operation = frame.readInt32BE(4);
        if (operation === OPERATION.create) created = pathIn(frame) + SEQUENCE;
        socket.write(framed(answer(frame.readInt32BE(0), payloadOf(operation, created))));
        if (operation === OPERATION.close) socket.end();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, close: () => server.close() };
}

/** @param created path of the contender's node */
function payloadOf(operation: number, created: string) {
  switch (operation) {
    case OPERATION.create:
      return text(created);
    case OPERATION.exists:
      return stat();
    case OPERATION.getData:
      return Buffer.concat([int(-1), stat()]);
    case OPERATION.getChildren2:
      return Buffer.concat([int(1), text(created.slice(created.lastIndexOf('/') + 1)), stat()]);
    default:
      return Buffer.alloc(0);
  }
}

/** @param frame protocolVersion, lastZxid, timeOut, sessionId, … */
function handshakeAnswer(frame: Buffer) {
  const asked = frame.subarray(16, 24);
  const id = asked.every((byte) => byte === 0) ? SESSION_ID : asked;
  return Buffer.concat([int(0), frame.subarray(12, 16), id, int(16), Buffer.alloc(16)]);
}

function answer(xid: number, payload: Buffer) {
  return Buffer.concat([int(xid), Buffer.alloc(8, 0), int(0), payload]);
}

/** czxid, mzxid, ctime, mtime, three versions, ephemeralOwner, dataLength, numChildren, pzxid */
function stat() {
  return Buffer.concat([Buffer.alloc(44), SESSION_ID, Buffer.alloc(16)]);
}

/** @param frame a request's header and, first of its record, a path */
function pathIn(frame: Buffer) {
  return frame.toString('utf8', 12, 12 + frame.readInt32BE(8));
}

function text(value: string) {
  return Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]);
}

function int(value: number) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function framed(content: Buffer) {
  return Buffer.concat([int(content.length), content]);
}
