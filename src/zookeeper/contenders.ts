/**
 * Who holds a lock and who waits for it, decided from the names of its children alone. Pure.
 *
 * The layout is kazoo's (`kazoo.recipe.lock`): `<guid>__lock__<sequence>` for exclusive contenders,
 * `<guid>__rlock__<sequence>` for shared ones. Curator's `-lock-` counts as exclusive. The lowest
 * sequence holds; whoever waits watches one predecessor only.
 */

export type ContenderKind = 'exclusive' | 'shared';

export interface ContenderNode {
  /** Name of the node, without its path. */
  readonly node: string;
  readonly kind: ContenderKind;
  /** A signed 32-bit number, as ZooKeeper appends it. */
  readonly sequence: number;
}

/** Marks our own kind of node: what stands between GUID and sequence. */
export const EXCLUSIVE_MARK = '__lock__';
export const SHARED_MARK = '__rlock__';

const KIND_OF_MARK: Readonly<Record<string, ContenderKind>> = {
  [EXCLUSIVE_MARK]: 'exclusive',
  [SHARED_MARK]: 'shared',
  '-lock-': 'exclusive',
};

const CONTENDER = /(__lock__|__rlock__|-lock-)(-\d{9,10}|\d{10})$/;

/**
 * Servers since 3.6 number no higher (`DataTree.createNode` takes only a greater cversion of the
 * parent): each node from there on has this number, and who was first can't be told.
 */
export const LAST_SEQUENCE = 2 ** 31 - 1;

/** What kind of contender a child is; null for a node that is none. */
export function parseContender(node: string): ContenderNode | null {
  const match = CONTENDER.exec(node);
  const kind = KIND_OF_MARK[match?.[1] ?? ''];
  if (kind === undefined) return null;
  return { node, kind, sequence: Number(match?.[2]) };
}

/** The contenders among a lock's children, in the order in which they are served. */
export function contendersOf(children: readonly string[]): ContenderNode[] {
  return children
    .map(parseContender)
    .filter((contender) => contender !== null)
    .sort((a, b) => inSequence(a.sequence, b.sequence) || (a.node < b.node ? -1 : 1));
}

/**
 * On older servers the counter of a parent wraps from 2147483647 to -2147483648 (kazoo#730): serial
 * number arithmetic, right as long as those who contend at one time are less than 2^31 apart.
 */
function inSequence(a: number, b: number): number {
  return (a - b) | 0;
}

/** Contenders that keep this one from holding the lock, in order. Empty: it holds. */
export function blockersOf(
  self: ContenderNode,
  contenders: readonly ContenderNode[],
): ContenderNode[] {
  const before = contenders.slice(
    0,
    contenders.findIndex(({ node }) => node === self.node),
  );
  return self.kind === 'shared' ? before.filter(({ kind }) => kind === 'exclusive') : before;
}

/** Who holds the lock now: the first, or the shared ones that stand before any exclusive one. */
export function holdersAmong(contenders: readonly ContenderNode[]): ContenderNode[] {
  const exclusive = contenders.findIndex(({ kind }) => kind === 'exclusive');
  return contenders.slice(0, exclusive < 0 ? undefined : Math.max(exclusive, 1));
}
