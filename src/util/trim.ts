/** Characters taken off the end of a text. Pure. */

/**
 * `characters`: each of them. By hand, for a regular expression such as `/x+$/` searches again from
 * each x that is not at the end: quadratic time.
 */
export function trimmedEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
