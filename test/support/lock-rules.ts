/**
 * The rules of each kind of lock, and the violations in a history. Pure: based only on the entries
 * and fencing tokens of runs.
 *
 * A token is the zxid that created the holder's node, so tokens are in the order of creation:
 *
 * - Conflicting locks are granted in that order. After a run has begun, all conflicting runs with
 *   older tokens are over, and no further one may begin.
 * - The node of a semaphore's holder is the permit itself. Two holders may begin in either order,
 *   because an answer can be late, but a permit exists at the latest when a run with a newer token
 *   begins. So a run is over when N permits with newer tokens are held at the same time.
 */
import { check, type Run } from './history.ts';

export type LockRules =
  | { readonly kind: 'exclusive' }
  /** Any number of shared runs at once, or one exclusive run. */
  | { readonly kind: 'shared' }
  | { readonly kind: 'semaphore'; readonly permits: number };

/** Runs that were alive at the same time, in violation of the rules. */
export interface Overlap {
  /** Of a semaphore: all holders, separated by commas. */
  readonly first: string;
  readonly second: string;
  /** Microseconds; runs that share only one microsecond overlap with a length of 0. */
  readonly from: number;
  readonly lengthUs: number;
}

/** @throws {MalformedHistory} if this kind of lock does not have the access of a run */
export function checkAccess(runs: readonly Run[], rules: LockRules): void {
  for (const { name, access } of runs) {
    const fits = rules.kind === 'shared' ? access !== 'permit' : access === accessOf(rules);
    check(fits, `${name} has ${access} access to a lock of the kind ${rules.kind}`);
  }
}

function accessOf({ kind }: LockRules): Run['access'] {
  return kind === 'semaphore' ? 'permit' : 'exclusive';
}

/** The maximum number of conflicting runs at once. */
export function permitsOf(rules: LockRules): number {
  return rules.kind === 'semaphore' ? rules.permits : 1;
}

/** True unless both are shared. */
export function conflict(one: Run, other: Run): boolean {
  return one.access !== 'shared' || other.access !== 'shared';
}

/**
 * `runs` ordered by their begins. Locks: all conflicting pairs, not only neighbours, because a run
 * may outlive several others. Semaphores: one for each run that begins while all permits are held.
 */
export function overlapsOf(runs: readonly Run[], rules: LockRules): Overlap[] {
  const overlaps: Overlap[] = [];
  let alive: Run[] = [];
  for (const run of runs) {
    alive = alive.filter((earlier) => earlier.last >= run.first);
    const rivals = alive.filter((earlier) => conflict(earlier, run));
    const groups = rules.kind === 'semaphore' ? [rivals] : rivals.map((rival) => [rival]);
    for (const group of groups) {
      // The overlap ends when this run of the group ends: then the number is allowed again.
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
  /** Entries of runs that are over according to newer tokens. */
  readonly staleEntries: number;
  /** Runs that begin when newer tokens exclude them, or with a token that was used before. */
  readonly tokensNotNewer: number;
}

/** `runs` ordered by their begins. */
export function followTokens(runs: readonly Run[], rules: LockRules): TokenFigures {
  const byToken = withHolding(runs);
  const seen = new Set<number>();
  let staleEntries = 0;
  let tokensNotNewer = 0;
  for (const run of runs) {
    const newer = byToken.filter(({ token }) => token > run.token);
    const over = supersededAt(run, newer, rules);
    if (run.first > over || seen.has(run.token)) tokensNotNewer++;
    staleEntries += run.entries.filter(({ at }) => at > over).length;
    seen.add(run.token);
  }
  return { staleEntries, tokensNotNewer };
}

/** A run, and the time from which its node certainly existed. */
interface Holding extends Run {
  readonly from: number;
}

/** Ordered by token, so that `from` is ordered as well. */
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

/** The time at which the run was over according to newer tokens; infinity if it never was. */
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
