/**
 * Real ZooKeeper servers for tests: the shared server from the global setup, with a chroot for each
 * test, and separate servers and ensembles.
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
} from '../../scripts/servers/zookeeper.ts';
export { startEnsemble, startServer } from '../../scripts/servers/zookeeper.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The shared standalone server; undefined if ZooKeeper is not installed. */
    zookeeper: { host: string; port: number; connectString: string } | undefined;
  }
}

/** The shared server. Do not kill or pause it: start a separate server for that. */
export function sharedServer(): { host: string; port: number; connectString: string } {
  const server = inject('zookeeper');
  if (server === undefined) {
    throw new Error('this test needs ZooKeeper: run npm test, which installs what is missing');
  }
  return server;
}

/** A unique absolute path, as a chroot for one test. Creates nothing. */
export function freshChroot(): string {
  return `/test-${randomUUID()}`;
}

/** `host:port/chroot` of the shared server, with a new chroot, which it creates. */
export async function sharedServerWithChroot(): Promise<{ connectString: string; chroot: string }> {
  const { host, port, connectString } = sharedServer();
  const chroot = freshChroot();
  await createNode({ host, port, path: chroot });
  return { connectString: `${connectString}${chroot}`, chroot };
}

const CREATE = 1;
const SET_ACL = 7;
const CREATE_CONTAINER = 19;
const CREATE_TTL = 21;
const TTL_MS = 10_000;
const GET_CHILDREN = 8;
const CLOSE = -11;
const ALL_PERMISSIONS = 31;
const NO_NODE = -101;
const ANY_VERSION = -1;

interface NodeAddress {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/**
 * Creates an empty persistent node, open to the world, with the wire protocol: the set-up of a test
 * of lockex's client must not depend on that client. Frames as in ZooKeeper's zookeeper.jute:
 * ConnectRequest, RequestHeader + CreateRequest, ReplyHeader.
 *
 * @throws if the server refuses or does not answer within 10 s
 */
export async function createNode({ path, ...server }: NodeAddress): Promise<void> {
  const acl = Buffer.concat([int(1), int(ALL_PERMISSIONS), text('world'), text('anyone')]);
  const { error } = await ask(server, CREATE, text(path), int(0), acl, int(0));
  if (error !== 0) throw new Error(`ZooKeeper didn't create ${path}: ${error}`);
}

/**
 * Creates a node that the server deletes when it has no children: a container (once it had one), or
 * a node with a time to live of ten seconds. ZooDefs.OpCode, and CreateTTLRequest.
 */
export async function createSpecialNode(
  { path, ...server }: NodeAddress,
  kind: 'container' | 'ttl',
): Promise<void> {
  const acl = Buffer.concat([int(1), int(ALL_PERMISSIONS), text('world'), text('anyone')]);
  const request = [text(path), int(0), acl];
  // The flags of CreateMode.CONTAINER and PERSISTENT_WITH_TTL.
  const { error } = await (kind === 'container'
    ? ask(server, CREATE_CONTAINER, ...request, int(4))
    : ask(server, CREATE_TTL, ...request, int(5), long(TTL_MS)));
  if (error !== 0) throw new Error(`ZooKeeper didn't create ${path}: ${error}`);
}

/**
 * Gives everyone all permissions on a node (SetACLRequest); resolves with the server's error code.
 */
export async function openAcl({ path, ...server }: NodeAddress): Promise<number> {
  const acl = Buffer.concat([int(1), int(ALL_PERMISSIONS), text('world'), text('anyone')]);
  const { error } = await ask(server, SET_ACL, text(path), acl, int(ANY_VERSION));
  return error;
}

/** The names of a node's children (GetChildrenRequest); none if the node does not exist. */
export async function childrenOf({ path, ...server }: NodeAddress): Promise<string[]> {
  const { error, body } = await ask(server, GET_CHILDREN, text(path), Buffer.alloc(1));
  if (error === NO_NODE) return [];
  if (error !== 0) throw new Error(`ZooKeeper didn't list ${path}: ${error}`);
  const names: string[] = [];
  for (let at = 4; at < body.length; ) {
    const end = at + 4 + body.readInt32BE(at);
    names.push(body.toString('utf8', at + 4, end));
    at = end;
  }
  return names;
}

/** Sends one request in a separate session. */
async function ask(
  { host, port }: Omit<NodeAddress, 'path'>,
  type: number,
  ...request: Buffer[]
): Promise<{ readonly error: number; readonly body: Buffer }> {
  const socket = connect(port, host);
  socket.setTimeout(10_000, () => socket.destroy(new Error('no answer from ZooKeeper in 10 s')));
  const replies = framesOf(socket);
  socket.write(frame(int(0), long(0), int(4000), long(0), int(16), Buffer.alloc(16)));
  await replies.next();
  socket.write(frame(int(1), int(type), ...request));
  const reply = await replies.next();
  socket.end(frame(int(2), int(CLOSE)));
  socket.destroySoon();
  if (reply.done) throw new Error('ZooKeeper closed the connection');
  // ReplyHeader: xid (4 bytes), zxid (8), err (4).
  return { error: reply.value.readInt32BE(12), body: reply.value.subarray(16) };
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
