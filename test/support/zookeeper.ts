/**
 * Real ZooKeeper for tests: the shared server that the global setup has started, a chroot of one's
 * own on it, and servers and ensembles of one's own. It never pretends to be a server.
 */

import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { inject } from 'vitest';

export type {
  Ensemble,
  EnsembleOptions,
  MemberAddress,
  MemberRoute,
  Role,
  Server,
  ServerOptions,
} from '../../scripts/lib/zookeeper.js';
export { startEnsemble, startServer } from '../../scripts/lib/zookeeper.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The shared standalone server; undefined where ZooKeeper isn't installed. */
    zookeeper: { host: string; port: number; connectString: string } | undefined;
  }
}

/** The shared server. Don't kill or pause it: start one of your own for that. */
export function sharedServer(): { host: string; port: number; connectString: string } {
  const server = inject('zookeeper');
  if (server === undefined) {
    throw new Error('this test needs ZooKeeper: run npm test, which installs what is missing');
  }
  return server;
}

/** An absolute path that nobody else has used: a chroot for one test. Nothing is created. */
export function freshChroot(): string {
  return `/test-${randomUUID()}`;
}

/** `host:port/chroot` of the shared server; the chroot exists by the time it is given back. */
export async function sharedServerWithChroot(): Promise<{ connectString: string; chroot: string }> {
  const { host, port, connectString } = sharedServer();
  const chroot = freshChroot();
  await createNode({ host, port, path: chroot });
  return { connectString: `${connectString}${chroot}`, chroot };
}

const CREATE = 1;
const CLOSE = -11;
const ALL_PERMISSIONS = 31;

/**
 * Creates an empty persistent node, open to the world, by the wire protocol itself: a test of our
 * client shouldn't need our client to get its chroot. Frames as in ZooKeeper's zookeeper.jute:
 * ConnectRequest, RequestHeader + CreateRequest, ReplyHeader.
 *
 * @throws when the server says no, or nothing within 10 s
 */
export async function createNode(node: {
  host: string;
  port: number;
  path: string;
}): Promise<void> {
  const socket = connect(node.port, node.host);
  socket.setTimeout(10_000, () => socket.destroy(new Error('no answer from ZooKeeper in 10 s')));
  const replies = framesOf(socket);
  socket.write(frame(int(0), long(0), int(4000), long(0), int(16), Buffer.alloc(16)));
  await replies.next();
  const acl = Buffer.concat([int(1), int(ALL_PERMISSIONS), text('world'), text('anyone')]);
  socket.write(frame(int(1), int(CREATE), text(node.path), int(0), acl, int(0)));
  const reply = await replies.next();
  // ReplyHeader: xid (4 bytes), zxid (8), err (4).
  const error = reply.done ? 'connection closed' : reply.value.readInt32BE(12);
  socket.end(frame(int(2), int(CLOSE)));
  socket.destroySoon();
  if (error !== 0) throw new Error(`ZooKeeper didn't create ${node.path}: ${error}`);
}

async function* framesOf(socket: Socket): AsyncGenerator<Buffer> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
      const end = 4 + bytes.readInt32BE(0);
      yield bytes.subarray(4, end);
      bytes = bytes.subarray(end);
    }
  }
}

function frame(...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([int(body.length), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([int(bytes.length), bytes]);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
