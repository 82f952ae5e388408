/** What a user is told of an error that nobody foresaw. Pure. */
import type { LogLevel } from '../util/log-level.ts';
import { printable } from '../util/printable.ts';

const MAX_LINE_LENGTH = 1000;

export interface ErrorDescription {
  readonly summary: string;
  /** At level debug: where it was thrown, and its causes. */
  readonly details: readonly string[];
}

export function describeError(error: unknown, level: LogLevel): ErrorDescription {
  const summary = `lockex failed: ${printable(summaryOf(error), MAX_LINE_LENGTH)}`;
  if (!(error instanceof Error)) return { summary, details: [] };
  if (level !== 'debug') {
    return { summary: `${summary} (--log-level debug tells more)`, details: [] };
  }
  const details = inspected(error).split('\n');
  return { summary, details: details.map((line) => printable(line, MAX_LINE_LENGTH)) };
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
