/** Text as it comes, cut into lines; and lines as they go, each of which is one. */

declare const CHECKED: unique symbol;
/** Text that the other side reads as one line, whole: made by `lineOf` only. */
export type Line = string & { readonly [CHECKED]: true };

/** A newline would begin another line, and `read` of dash, bash and busybox drops NUL. */
const NO_LINE = /[\n\0]/;

/** @throws TypeError for text that is not one line: foreign text is checked before. */
export function lineOf(text: string): Line {
  if (NO_LINE.test(text)) throw new TypeError(`not one line: ${JSON.stringify(text)}`);
  return text as Line;
}

/** Gives each line without its end; what comes behind the last one waits for the rest of it. */
export function lineCutter(onLine: (line: string) => void): (text: string) => void {
  let partial = '';
  return (text) => {
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}

/** Each with its end, in one piece. */
export function asLines(lines: readonly Line[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
