/** What a user is told of an error that nobody foresaw. Pure. */
import type { LogLevel } from '../log-level.ts';
import { printable } from '../printable.ts';

const LONGEST_LINE = 1000;

/** One line; at level debug where it was thrown, and its causes, on lines of their own. */
export function describeError(error: unknown, level: LogLevel): string {
  const summary = `lockex failed: ${printable(summaryOf(error), LONGEST_LINE)}`;
  if (!(error instanceof Error)) return summary;
  if (level !== 'debug') return `${summary} (--log-level debug tells more)`;
  const details = inspected(error).split('\n');
  return [summary, ...details.map((line) => `  ${printable(line, LONGEST_LINE)}`)].join('\n');
}

function summaryOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : inspected(error);
  // Whatever was thrown: a library may have put anything there.
  return String(error.message || error.name);
}

/** Loaded only now: hardly any run needs it, and it takes a while. */
function inspected(error: unknown): string {
  return process.getBuiltinModule('node:util').inspect(error);
}
