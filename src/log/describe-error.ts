/** The description of an unexpected error for the log. Pure. */
import type { LogLevel } from '../util/log-level.ts';
import { printable } from '../util/printable.ts';

const MAX_LINE_LENGTH = 1000;

export interface ErrorDescription {
  readonly summary: string;
  /** At level debug: the stack and the causes. */
  readonly details: readonly string[];
}

export function describeError(error: unknown, level: LogLevel): ErrorDescription {
  const summary = `lockex failed: ${printable(summaryOf(error), MAX_LINE_LENGTH)}`;
  if (!(error instanceof Error)) return { summary, details: [] };
  if (level !== 'debug') {
    return { summary: `${summary} (--log-level debug shows where)`, details: [] };
  }
  const details = inspected(error).split('\n');
  return { summary, details: details.map((line) => printable(line, MAX_LINE_LENGTH)) };
}

function summaryOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : inspected(error);
  // A library may have thrown an error with a message of any type.
  return String(error.message || error.name);
}

/** Loads node:util on demand: few runs need it, and loading takes time. */
function inspected(error: unknown): string {
  return process.getBuiltinModule('node:util').inspect(error);
}
