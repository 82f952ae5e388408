/**
 * What each kind of lock allows, and which runs of a history it did not allow. Pure: it knows runs by
 * their deeds and their fencing tokens only.
 *
 * A token is the zxid that created the holder's node, so tokens are in the order of creation:
 *
 * - Locks are granted in that order among nodes that conflict. Once a run has begun, each conflicting
 *   run with an older token is over, and none of them may begin any more.
 * - A semaphore's node is the permit itself. Two holders may begin in either order, as an answer can
 *   be late. But a permit exists at the latest when a run with a newer token begins. So a run with an
 *   older token is over when N permits with newer tokens are held at the same time.
 */
import { check, type Run } from './history.ts';

export type LockRules =
  | { readonly kind: 'exclusive' }
  /** Any number of shared runs at once, or one exclusive run. */
  | { readonly kind: 'shared' }
  | { readonly kind: 'semaphore'; readonly permits: number };

/** Runs that were alive at the same time although the lock does not allow it. */
export interface Overlap {
  /** Of a semaphore: all runs that held its permits, separated by commas. */
  readonly first: string;
  readonly second: string;
  /** Microseconds; the same one counts, so an overlap can be 0 long. */
  readonly from: number;
  readonly lengthUs: number;
}

/** @throws {Unjudgeable} when a run has an access that this kind of lock does not give */
export function checkAccess(runs: readonly Run[], rules: LockRules): void {
  for (const { name, access } of runs) {
    const fits = rules.kind === 'shared' ? access !== 'permit' : access === accessOf(rules);
    check(fits, `${name} has ${access} access to a lock of the kind ${rules.kind}`);
  }
}

function accessOf({ kind }: LockRules): Run['access'] {
  return kind === 'semaphore' ? 'permit' : 'exclusive';
}

/** How many runs that conflict with each other may be alive at once. */
export function permitsOf(rules: LockRules): number {
  return rules.kind === 'semaphore' ? rules.permits : 1;
}

/** Whether the two count for the same permits. */
export function conflict(one: Run, other: Run): boolean {
  return one.access !== 'shared' || other.access !== 'shared';
}

/**
 * `runs` in the order of their begins. Locks: every pair that conflicts, not only neighbours, since a
 * run may outlive several others. Semaphores: one for each run that begins while all permits are held.
 */
export function overlapsOf(runs: readonly Run[], rules: LockRules): Overlap[] {
  const overlaps: Overlap[] = [];
  let alive: Run[] = [];
  for (const run of runs) {
    alive = alive.filter((earlier) => earlier.last >= run.first);
    const rivals = alive.filter((earlier) => conflict(earlier, run));
    const groups = rules.kind === 'semaphore' ? [rivals] : rivals.map((rival) => [rival]);
    for (const group of groups) {
      // Fewer than one too many are left when this one of the group is over.
      const decisive = group.toSorted((a, b) => b.last - a.last)[permitsOf(rules) - 1];
      if (decisive === undefined) continue;
      overlaps.push({
        first: group.map(({ name }) => name).join(', '),
        second: run.name,
        from: run.first,
        lengthUs: Math.min(decisive.last, run.last) - run.first,
      });
    }
    alive.push(run);
  }
  return overlaps;
}

export interface TokenFigures {
  /** Deeds of runs that, by the newer tokens that were seen before, hold nothing any more. */
  readonly staleDeeds: number;
  /** Runs that begin although newer tokens exclude them, or with a token that was used before. */
  readonly tokensNotNewer: number;
}

/** `runs` in the order of their begins. */
export function followTokens(runs: readonly Run[], rules: LockRules): TokenFigures {
  const byToken = withHolding(runs);
  const seen = new Set<number>();
  let staleDeeds = 0;
  let tokensNotNewer = 0;
  for (const run of runs) {
    const newer = byToken.filter(({ token }) => token > run.token);
    const over = supersededAt(run, newer, rules);
    if (run.first > over || seen.has(run.token)) tokensNotNewer++;
    staleDeeds += run.deeds.filter(({ at }) => at > over).length;
    seen.add(run.token);
  }
  return { staleDeeds, tokensNotNewer };
}

/** A run, and the time from which on its node existed for certain. */
interface Holding extends Run {
  readonly from: number;
}

/** In the order of tokens, so that `from` grows as well. */
function withHolding(runs: readonly Run[]): readonly Holding[] {
  let earliest = Number.POSITIVE_INFINITY;
  return runs
    .toSorted((a, b) => b.token - a.token)
    .map((run) => {
      earliest = Math.min(earliest, run.first);
      return { ...run, from: earliest };
    })
    .reverse();
}

/** From when on the run held nothing any more; infinity when nothing says so. */
function supersededAt(run: Run, newer: readonly Holding[], rules: LockRules): number {
  if (rules.kind !== 'semaphore') {
    const rivals = newer.filter((other) => conflict(run, other));
    return Math.min(...rivals.map(({ first }) => first), Number.POSITIVE_INFINITY);
  }
  let held: Holding[] = [];
  for (const permit of newer) {
    held = held.filter(({ last }) => last >= permit.from);
    held.push(permit);
    if (held.length >= rules.permits) return permit.from;
  }
  return Number.POSITIVE_INFINITY;
}
