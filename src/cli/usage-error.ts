/** A wrong command line: one line that names the option and says what it wants. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const EXIT_USAGE = 2;

const LONGEST_QUOTE = 60;

/** What the user typed, safe to print: control characters escaped, long text shortened. */
export function quoted(text: string): string {
  const shortened = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
  const escaped = shortened.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
  return `'${escaped}'`;
}
