/** Removes characters from the end of a text. Pure. */

/**
 * Removes all of `characters`. Without a regular expression: `/x+$/` searches again from each x
 * that is not at the end, in quadratic time.
 */
export function trimmedEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
