/**
 * Derives the holders and waiters of a lock from its nodes. Pure. Applies the same rules as
 * lockex's own contenders (zookeeper/recipes/queue-order.ts).
 */
import { beginningOf, decodeNodeData } from '../zookeeper/recipes/node-data.ts';
import {
  holdersAmong,
  isContender,
  queueOf,
  SHARED_MARK,
} from '../zookeeper/recipes/queue-order.ts';
import { permitsIn } from '../zookeeper/recipes/semaphore.ts';

/**
 * A contender, as read from its node. Any client may have written these texts: escape them before
 * printing.
 */
export interface ContenderView {
  /** Name of its node. */
  readonly node: string;
  /** The library that created the node, guessed from its name and data. */
  readonly by: 'lockex' | 'kazoo' | 'curator';
  /** A shared lock (`__rlock__`). */
  readonly shared: boolean;
  readonly host: string | null;
  readonly pid: number | null;
  readonly user: string | null;
  /** Name of the command, without its arguments. */
  readonly command: string | null;
  /** Data of a node that lockex did not write, as text; null if empty. */
  readonly says: string | null;
  /** Creation time of its node, by the server's clock, ISO 8601; null if out of range or denied. */
  readonly since: string | null;
  /** czxid of its node, decimal; null while it waits, or if its ACL denies reading it. */
  readonly fencingToken: string | null;
}

export interface LockView {
  readonly id: string;
  /** Below the chroot. */
  readonly path: string;
  readonly kind: 'lock' | 'semaphore';
  /** The number of permits of a semaphore; 1 for a lock. */
  readonly permits: number;
  readonly holders: readonly ContenderView[];
  /** In the order in which they acquire the lock. */
  readonly waiters: readonly ContenderView[];
}

/** A child of a lock's node. */
export interface ChildNode {
  readonly name: string;
  readonly data: Buffer | undefined;
  /** Milliseconds since 1970; null if the ACL denies reading it. */
  readonly ctime: number | null;
  /** null if the ACL denies reading it. */
  readonly czxid: bigint | null;
}

export interface LockNodes {
  /** Data of the lock's own node. */
  readonly data: Buffer | undefined;
  readonly children: readonly ChildNode[];
  /** Of a semaphore: the contenders for its inner lock, which guards its permits. */
  readonly queue: readonly ChildNode[];
}

/** Longer texts from nodes are truncated. */
const MAX_TEXT_LENGTH = 200;

export function viewOf(id: string, path: string, nodes: LockNodes): LockView {
  const permits = permitsIn(nodes.data);
  const isLock = nodes.children.some(({ name }) => isContender(name));
  return permits === null || isLock
    ? viewOfLock(id, path, nodes)
    : viewOfSemaphore(id, path, nodes, permits);
}

/** A lock without contenders. */
export function freeLock(id: string, path: string): LockView {
  return { id, path, kind: 'lock', permits: 1, holders: [], waiters: [] };
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
    // Contenders without a valid sequence number come last, and still block: see queue-order.ts.
    waiters: views([...waiters, ...unordered], false),
  };
}

function viewOfSemaphore(
  id: string,
  path: string,
  { children, queue }: LockNodes,
  permits: number,
): LockView {
  // A permit of unknown age counts as a holder, as it does for lockex's own contenders.
  const oldestFirst = children.toSorted((a, b) => ((a.czxid ?? 0n) < (b.czxid ?? 0n) ? -1 : 1));
  // For a moment a lockex has both a permit and a place in the queue, under one GUID.
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
    permits,
    holders: oldestFirst.slice(0, permits).map((child) => contenderView(child, false, true)),
    waiters: waiting.map((child) => contenderView(child, false, false)),
  };
}

/** Returns an index, because a lock may have 100,000 children. */
function byName(children: readonly ChildNode[]): ReadonlyMap<string, ChildNode> {
  return new Map(children.map((child) => [child.name, child]));
}

/** null unless its year has four digits: a server may send any number. */
function isoTime(ms: number | null): string | null {
  return ms !== null && ms >= YEAR_1 && ms < YEAR_10000 ? new Date(ms).toISOString() : null;
}

const YEAR_1 = Date.parse('0001-01-01T00:00:00Z');
const YEAR_10000 = Date.parse('9999-12-31T23:59:59.999Z') + 1;

function contenderView(child: ChildNode, shared: boolean, holds: boolean): ContenderView {
  const data = decodeNodeData(child.data);
  const says = data ? '' : beginningOf(child.data);
  return {
    node: child.name,
    by: data ? 'lockex' : child.name.includes('-lock-') ? 'curator' : 'kazoo',
    shared,
    host: data?.host.slice(0, MAX_TEXT_LENGTH) ?? null,
    pid: data?.pid ?? null,
    user: data?.user.slice(0, MAX_TEXT_LENGTH) ?? null,
    command: data?.command.slice(0, MAX_TEXT_LENGTH) ?? null,
    says: says.trim() === '' ? null : says.slice(0, MAX_TEXT_LENGTH),
    since: isoTime(child.ctime),
    fencingToken: (holds ? child.czxid?.toString() : null) ?? null,
  };
}
