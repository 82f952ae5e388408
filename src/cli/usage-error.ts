/** A usage error: one line that names the option and says what it expects. Exit status 2. */
import { printable } from '../util/printable.ts';

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const EXIT_USAGE = 2;

const MAX_QUOTE_LENGTH = 60;

/** The user's text, safe to print: control characters escaped, long text shortened. */
export function quoted(text: string): string {
  return `'${printable(text, MAX_QUOTE_LENGTH)}'`;
}
