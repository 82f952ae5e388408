/** Text of others (what a user typed, what another contender's node says), made safe to print. Pure. */

/** What could steer a terminal, forge a line or turn text around. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Unprintable characters escaped as `\u{1b}`, at most `longest` characters of the original kept. */
export function printable(text: string, longest: number): string {
  const characters = [...text];
  const kept = characters.length > longest ? `${characters.slice(0, longest).join('')}…` : text;
  return kept.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
