/** Text as it comes, cut into lines. */

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
export function asLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
