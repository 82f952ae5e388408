/**
 * The line protocol of gate, guard and init: splits incoming text into lines, checks outgoing ones.
 */

declare const CHECKED: unique symbol;
/** Text that the receiver reads as exactly one line; only `lineOf` creates it. */
export type Line = string & { readonly [CHECKED]: true };

/** A newline would start another line, and the `read` of dash, bash and busybox drops NUL. */
const NOT_IN_A_LINE = /[\n\0]/;

/** @throws TypeError if the text is not one line: check untrusted text first. */
export function lineOf(text: string): Line {
  if (NOT_IN_A_LINE.test(text)) throw new TypeError(`not one line: ${JSON.stringify(text)}`);
  return text as Line;
}

/** Calls `onLine` for each complete line, without its newline; keeps an incomplete last line. */
export function lineSplitter(onLine: (line: string) => void): (text: string) => void {
  let partial = '';
  return (text) => {
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}

/** All lines, each with its newline, as one string. */
export function joinLines(lines: readonly Line[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
