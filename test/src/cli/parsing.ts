/** Helpers for tests of the command line. */
import { expect } from 'vitest';
import { parseCommandLine } from '../../../src/cli/parse.ts';
import { UsageError } from '../../../src/cli/usage-error.ts';

export function parsed(argv: readonly string[], env: Record<string, string> = {}) {
  const result = parseCommandLine(argv, env);
  if (result.kind !== 'run') throw new Error(`expected a run, not ${result.kind}`);
  return result;
}

export function settings(...options: string[]) {
  return parsed([...options, '--', 'prog', 'arg']).settings;
}

export function refusal(argv: readonly string[], env: Record<string, string> = {}): string {
  try {
    parseCommandLine(argv, env);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    const { message } = error as UsageError;
    expect(message, 'one line, without control characters').toMatch(/^\P{C}+$/u);
    return message;
  }
  throw new Error(`accepted: ${argv.join(' ')}`);
}
