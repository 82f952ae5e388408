/**
 * What stands under a lock's node, made into who holds it and who waits. Pure. Who holds is decided
 * by the same rules as for our own contenders (zookeeper/recipes/queue-order.ts).
 */

import { beginningOf, decodeNodeData } from '../zookeeper/recipes/node-data.ts';
import {
  holdersAmong,
  isContender,
  queueOf,
  SHARED_MARK,
} from '../zookeeper/recipes/queue-order.ts';
import { permitsIn } from '../zookeeper/recipes/semaphore.ts';

/** A contender as its node tells; every text may be anybody's, and is not safe to print as it is. */
export interface ContenderView {
  /** Name of its node. */
  readonly node: string;
  /** Whose kind of node it is, as far as name and data tell. */
  readonly by: 'lockex' | 'kazoo' | 'curator';
  /** A shared lock (`__rlock__`). */
  readonly shared: boolean;
  readonly host: string | null;
  readonly pid: number | null;
  readonly user: string | null;
  /** Name of the command, without its arguments. */
  readonly command: string | null;
  /** What a contender that is no lockex says of itself; null where it says nothing. */
  readonly says: string | null;
  /** When its node was made, by the server's clock: ISO 8601; null where that is no time. */
  readonly since: string | null;
  /** czxid of its node, decimal; null while it waits. */
  readonly fencingToken: string | null;
}

export interface LockView {
  readonly id: string;
  /** Below the chroot. */
  readonly path: string;
  readonly kind: 'lock' | 'semaphore';
  /** N of a semaphore; 1 for a lock. */
  readonly leases: number;
  readonly holders: readonly ContenderView[];
  /** In the order in which they are served. */
  readonly waiters: readonly ContenderView[];
}

/** A child of a lock's node, as it was read. */
export interface ChildNode {
  readonly name: string;
  readonly data: Buffer | undefined;
  /** Milliseconds since 1970. */
  readonly ctime: number;
  readonly czxid: bigint;
}

export interface LockNodes {
  /** Data of the lock's own node. */
  readonly data: Buffer | undefined;
  readonly children: readonly ChildNode[];
  /** Of a semaphore: who stands in line for a look at its leases. */
  readonly queue: readonly ChildNode[];
}

/** Of what others write, no more is kept. */
const MAX_TEXT_LENGTH = 200;

export function viewOf(id: string, path: string, nodes: LockNodes): LockView {
  const leases = permitsIn(nodes.data);
  const isLock = nodes.children.some(({ name }) => isContender(name));
  return leases === null || isLock
    ? viewOfLock(id, path, nodes)
    : viewOfSemaphore(id, path, nodes, leases);
}

/** Nobody has ever asked for it, or its nodes are gone. */
export function freeLock(id: string, path: string): LockView {
  return { id, path, kind: 'lock', leases: 1, holders: [], waiters: [] };
}

export function isHeld({ holders }: LockView): boolean {
  return holders.length > 0;
}

function viewOfLock(id: string, path: string, { children }: LockNodes): LockView {
  const { contenders, unordered } = queueOf(children.map(({ name }) => name));
  const holders = holdersAmong(contenders).map(({ node }) => node);
  const holding = new Set(holders);
  const waiters = contenders.map(({ node }) => node).filter((node) => !holding.has(node));
  const named = byName(children);
  const views = (names: readonly string[], holds: boolean) =>
    names.flatMap((node) => {
      const child = named.get(node);
      return child === undefined ? [] : [contenderView(child, node.includes(SHARED_MARK), holds)];
    });
  return {
    ...freeLock(id, path),
    holders: views(holders, true),
    // Last, and still in the way: see contenders.ts.
    waiters: views([...waiters, ...unordered], false),
  };
}

function viewOfSemaphore(
  id: string,
  path: string,
  { children, queue }: LockNodes,
  leases: number,
): LockView {
  const oldestFirst = children.toSorted((a, b) => (a.czxid < b.czxid ? -1 : 1));
  // For a moment a lockex has both a lease and a place in the queue, under one GUID.
  const holding = new Set(children.map(({ name }) => name));
  const { contenders, unordered } = queueOf(queue.map(({ name }) => name));
  const places = [...contenders.map(({ node }) => node), ...unordered];
  const queued = byName(queue);
  const waiting = places.flatMap((node) => {
    const child = queued.get(node);
    const isHolding = holding.has(node.split('__lock__', 1)[0] ?? '');
    return child === undefined || isHolding ? [] : [child];
  });
  return {
    id,
    path,
    kind: 'semaphore',
    leases,
    holders: oldestFirst.slice(0, leases).map((child) => contenderView(child, false, true)),
    waiters: waiting.map((child) => contenderView(child, false, false)),
  };
}

/** A lock may have a hundred thousand: none is searched for among the others. */
function byName(children: readonly ChildNode[]): ReadonlyMap<string, ChildNode> {
  return new Map(children.map((child) => [child.name, child]));
}

/** Of four-digit years: a server may send any number. null: out of their range. */
function isoTime(ms: number): string | null {
  return ms >= YEAR_1 && ms < YEAR_10000 ? new Date(ms).toISOString() : null;
}

const YEAR_1 = Date.parse('0001-01-01T00:00:00Z');
const YEAR_10000 = Date.parse('9999-12-31T23:59:59.999Z') + 1;

function contenderView(child: ChildNode, shared: boolean, holds: boolean): ContenderView {
  const ours = decodeNodeData(child.data);
  const says = ours ? '' : beginningOf(child.data);
  return {
    node: child.name,
    by: ours ? 'lockex' : child.name.includes('-lock-') ? 'curator' : 'kazoo',
    shared,
    host: ours?.host.slice(0, MAX_TEXT_LENGTH) ?? null,
    pid: ours?.pid ?? null,
    user: ours?.user.slice(0, MAX_TEXT_LENGTH) ?? null,
    command: ours?.command.slice(0, MAX_TEXT_LENGTH) ?? null,
    says: says.trim() === '' ? null : says.slice(0, MAX_TEXT_LENGTH),
    since: isoTime(child.ctime),
    fencingToken: holds ? child.czxid.toString() : null,
  };
}
