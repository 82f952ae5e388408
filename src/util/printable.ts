/** Makes foreign text (from users, other contenders, servers) safe to print. Pure. */

/**
 * Characters that could control a terminal, forge a line, reverse text or hide in it: control
 * characters (ESC, BEL, C1, line breaks), formatting characters (bidi controls, zero-width
 * characters), lone surrogates, separators of lines and paragraphs, other characters without a
 * width by default (fillers, variation selectors), and private use.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const RUNS = new RegExp(`${UNPRINTABLE.source}+`, UNPRINTABLE.flags);

/** Replaces each run of unprintable characters with a blank. */
export function blanked(text: string): string {
  return text.replace(RUNS, ' ');
}

/** Escapes unprintable characters as `\u{1b}`. Idempotent. */
export function escaped(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** The same, with at most `maxLength` characters of the original. */
export function printable(text: string, maxLength: number): string {
  // A character has at most two units, so the rest of a long text need not be split.
  const characters = [...text.slice(0, 2 * maxLength + 2)];
  return escaped(
    characters.length > maxLength ? `${characters.slice(0, maxLength).join('')}…` : text,
  );
}

/**
 * Escapes unprintable characters in the strings of a JSON text as `\u009b`: `JSON.stringify`
 * escapes only those below U+0020.
 */
export function escapedJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) => {
    // Two units above U+FFFF.
    const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16));
    return units.map((unit) => `\\u${unit.padStart(4, '0')}`).join('');
  });
}
