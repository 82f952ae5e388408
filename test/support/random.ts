/**
 * Pseudo-random numbers from a seed (mulberry32), so that a failure can be replayed: the same
 * sequence of calls gives the same numbers. Named streams are independent: the timing of one does
 * not affect the numbers of another.
 */

export interface Random {
  /** From 0 up to and not including 1. */
  fraction(): number;
  /** From `low` up to and not including `high`. */
  between(low: number, high: number): number;
  /** A whole number from 0 up to and not including `count`. */
  below(count: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** The stream of that name. */
export function randomOf(seed: number, name: string): Random {
  let state = hashOf(`${seed}/${name}`);
  const fraction = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count: number) => Math.floor(fraction() * count);
  return {
    fraction,
    below,
    between: (low, high) => low + fraction() * (high - low),
    chance: (probability) => fraction() < probability,
    pick: (from) => from[below(from.length)] ?? from[0],
  };
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return hash;
}
