/** Finds the name that the user probably meant, for "did you mean …?". Pure. */

/** A suggestion differs in at most this many characters, and in at most a third of the name. */
const MAX_TYPOS = 3;

/** Returns the closest name; else the first that starts with what was typed; else null. */
export function nearestTo(typed: string, names: readonly string[]): string | null {
  const max = Math.min(MAX_TYPOS, Math.floor(typed.replace(/^-+/, '').length / 3));
  const [nearest] = names
    // The difference in length is a lower bound of the distance, and cheap to compare.
    .filter((name) => Math.abs(name.length - typed.length) <= max)
    .map((name) => ({ name, distance: levenshtein(typed, name) }))
    .sort((a, b) => a.distance - b.distance);
  if (nearest !== undefined && nearest.distance <= max) return nearest.name;
  return (max > 0 && names.find((name) => name.startsWith(typed))) || null;
}

/** The number of characters to insert, delete or replace. */
function levenshtein(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
