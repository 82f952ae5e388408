/** Text of others (what a user typed, what another contender's node says), made safe to print. Pure. */

/**
 * What could steer a terminal, forge a line, turn text around or hide in it: control characters (ESC,
 * BEL, C1, line breaks), formatting characters (bidi controls, zero-width characters), lone surrogates,
 * separators of lines and paragraphs, whatever else has no width by default (fillers, variation
 * selectors), and private use.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const RUNS = new RegExp(`${UNPRINTABLE.source}+`, UNPRINTABLE.flags);

/** Unprintable characters left out: a blank for each run of them. */
export function blanked(text: string): string {
  return text.replace(RUNS, ' ');
}

/** Unprintable characters escaped as `\u{1b}`. Escaping twice is the same as once. */
export function escaped(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** The same, with at most `longest` characters of the original kept. */
export function printable(text: string, longest: number): string {
  // No character has more than two units: the rest of a text of any length is not looked at.
  const characters = [...text.slice(0, 2 * longest + 2)];
  return escaped(characters.length > longest ? `${characters.slice(0, longest).join('')}…` : text);
}

/**
 * The same JSON, with what is unprintable in its strings escaped as `\u009b`: a process may be named
 * so, and `JSON.stringify` escapes only what is below U+0020.
 */
export function escapedJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) => {
    // Beyond U+FFFF there are two of them.
    const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16));
    return units.map((unit) => `\\u${unit.padStart(4, '0')}`).join('');
  });
}
