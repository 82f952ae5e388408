/**
 * Detects nodes of other clients' recipes in the queue of a lock: lockex does not exclude them, or
 * they do not exclude lockex. Pure.
 *
 * Curator's InterProcessMutex sorts by what follows `lock-` (`StandardLockInternalsDriver`), and
 * kazoo's Lock by what follows `__lock__` or `__rlock__`: neither looks at the other's nodes.
 */
import { isContender } from './queue-order.ts';

/** The recipe whose node names a lock uses. */
export type RecipeName = 'kazoo' | 'curator';

/** EXCLUSIVE_MARK or SHARED_MARK, and a sequence. */
const KAZOO = /__r?lock__\d+$/;
/**
 * Sequential nodes of other recipes (`__WRIT__`, `__READ__`, `latch-`, `ex`), which end in %010d.
 */
const SEQUENTIAL = /\d{10}$/;
/** Child nodes of Curator's InterProcessSemaphoreV2. */
const SEMAPHORE_CHILDREN = ['leases', 'locks'];

export interface ForeignNode {
  /** From the server: escape it before printing. */
  readonly node: string;
  readonly warning: string;
}

/** The first node that does not exclude lockex, or that lockex does not exclude; null: none. */
export function foreignNodeAmong(
  children: readonly string[],
  recipe: RecipeName,
): ForeignNode | null {
  for (const node of children) {
    const warning = warningFor(node, recipe);
    if (warning !== null) return { node, warning };
  }
  return null;
}

function warningFor(node: string, recipe: RecipeName): string | null {
  if (!isContender(node)) {
    const isForeign = SEQUENTIAL.test(node) || SEMAPHORE_CHILDREN.includes(node);
    return isForeign ? 'of a recipe unknown to lockex: neither excludes the other' : null;
  }
  if (recipe === 'curator') {
    return KAZOO.test(node)
      ? "of kazoo's recipe: lockex waits for it, but kazoo does not wait for --recipe curator"
      : null;
  }
  return KAZOO.test(node)
    ? null
    : "of Curator's recipe: lockex waits for it, but Curator does not wait for lockex " +
        'without --recipe curator';
}
