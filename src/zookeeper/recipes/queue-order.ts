/**
 * Decides who holds a lock and who waits for it, from the names of its children alone. Pure.
 *
 * The layout is kazoo's (`kazoo.recipe.lock`): `<guid>__lock__<sequence>` for exclusive contenders,
 * `<guid>__rlock__<sequence>` for shared ones. Curator's `-lock-` counts as exclusive (but Curator
 * does not see kazoo's: foreign-recipes.ts). The lowest sequence holds; the others watch one
 * predecessor only.
 *
 * The order is total: only numbers from 0 to 2147483647 are ordered, by value, equal ones by name.
 * A queue with any other number in it has no order, and grants nothing.
 */

export type ContenderKind = 'exclusive' | 'shared';

export interface ContenderNode {
  /** Name of the node, without its path. */
  readonly node: string;
  readonly kind: ContenderKind;
  /** From 0 to LAST_SEQUENCE. */
  readonly sequence: number;
}

/** Between the GUID and the sequence of a node's name. */
export const EXCLUSIVE_MARK = '__lock__';
export const SHARED_MARK = '__rlock__';
/** Curator's (InterProcessMutex): exclusive. */
export const CURATOR_MARK = '-lock-';

const KIND_OF_MARK: Readonly<Record<string, ContenderKind>> = {
  [EXCLUSIVE_MARK]: 'exclusive',
  [SHARED_MARK]: 'shared',
  [CURATOR_MARK]: 'exclusive',
};

/**
 * A mark and any number, also in a form that no server appends: signed, padded, or in other digits.
 */
const CONTENDER = /(__lock__|__rlock__|-lock-)([+\-\u2212]?\p{Nd}+)$/u;

/**
 * A server appends the parent's cversion, an int that starts at 0, as `%010d`
 * (`PrepRequestProcessor.pRequest2TxnCreate`): ten ASCII digits, or a sign once the int has
 * wrapped.
 */
const SEQUENCE = /^\d{10}$/;

/**
 * Servers since 3.6 keep the parent's cversion here (`DataTree.createNode` takes only a greater
 * one), so that further nodes repeat this number, or have a negative one where the cversion that is
 * still being written has wrapped (`PrepRequestProcessor`'s change record). Older ones wrap to
 * -2147483648.
 */
export const LAST_SEQUENCE = 2 ** 31 - 1;

/** The contenders among a lock's children. */
export interface Queue {
  /** In the order in which they are served. */
  readonly contenders: readonly ContenderNode[];
  /**
   * Names of contenders without a valid sequence number: created by name, or after the last
   * sequence number. While there are any, nothing may be granted.
   */
  readonly unordered: readonly string[];
}

/** A contender's place. Only `first` may be granted the lock. */
export type Place =
  /** The node is not among the children. */
  | { readonly kind: 'missing' }
  /** The order is unknown: `node` has no valid sequence number. */
  | { readonly kind: 'unordered'; readonly node: string }
  /** It has the last number: later nodes may get the same one, so the order would be unknown. */
  | { readonly kind: 'exhausted' }
  | { readonly kind: 'first'; readonly self: ContenderNode }
  | {
      readonly kind: 'behind';
      /** The contenders that exclude it, in order; the last one is the one to watch. */
      readonly blockers: readonly [ContenderNode, ...ContenderNode[]];
      /** The contenders that hold the lock now. */
      readonly holders: readonly ContenderNode[];
    };

/** True for a contender, also without a valid sequence number. */
export function isContender(node: string): boolean {
  return CONTENDER.test(node);
}

export function queueOf(children: readonly string[]): Queue {
  const marked = children.filter(isContender);
  const contenders = marked.map(orderable).filter((contender) => contender !== null);
  return {
    contenders: contenders.sort((a, b) => a.sequence - b.sequence || (a.node < b.node ? -1 : 1)),
    unordered: marked.filter((node) => orderable(node) === null).sort(),
  };
}

/** The place of the contender with this name. `children`: of the lock, in any order. */
export function placeOf(name: string, children: readonly string[]): Place {
  if (!children.includes(name)) return { kind: 'missing' };
  const { contenders, unordered } = queueOf(children);
  const [firstUnordered] = unordered;
  if (firstUnordered !== undefined) return { kind: 'unordered', node: firstUnordered };
  const self = contenders.find(({ node }) => node === name);
  if (self === undefined) return { kind: 'unordered', node: name };
  if (self.sequence === LAST_SEQUENCE) return { kind: 'exhausted' };
  const [blocker, ...others] = blockersOf(self, contenders);
  if (blocker === undefined) return { kind: 'first', self };
  return { kind: 'behind', blockers: [blocker, ...others], holders: holdersAmong(contenders) };
}

/** The holders: the first contender, or the shared ones ahead of any exclusive one. */
export function holdersAmong(contenders: readonly ContenderNode[]): ContenderNode[] {
  const exclusive = contenders.findIndex(({ kind }) => kind === 'exclusive');
  return contenders.slice(0, exclusive < 0 ? undefined : Math.max(exclusive, 1));
}

function orderable(node: string): ContenderNode | null {
  const match = CONTENDER.exec(node);
  const kind = KIND_OF_MARK[match?.[1] ?? ''];
  const digits = match?.[2] ?? '';
  if (kind === undefined || !SEQUENCE.test(digits) || Number(digits) > LAST_SEQUENCE) return null;
  return { node, kind, sequence: Number(digits) };
}

function blockersOf(self: ContenderNode, contenders: readonly ContenderNode[]): ContenderNode[] {
  const before = contenders.slice(0, contenders.indexOf(self));
  return self.kind === 'shared' ? before.filter(({ kind }) => kind === 'exclusive') : before;
}
