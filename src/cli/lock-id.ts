/**
 * The lock id of a run without --lockid, derived from its command: the same on every host and in
 * every version. Pure.
 */
import type { CommandLine } from '../settings/command-line.ts';
import { trimmedEnd } from '../util/trim.ts';

const SLUG_LENGTH = 32;
const DIGEST_LENGTH = 16;

/** A readable slug of the program's name, and a digest of the whole command line. */
export function lockIdOf(command: CommandLine): string {
  const args = command.kind === 'shell' ? [command.line] : command.argv;
  // As JSON, which distinguishes ["a b"] from ["a","b"].
  const encoded = JSON.stringify([command.kind, ...args]);
  // Loaded only for runs without --lockid, to keep the start of the others short.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const digest = createHash('sha256').update(encoded).digest('hex').slice(0, DIGEST_LENGTH);
  const program = command.kind === 'shell' ? programIn(command.line) : command.argv[0];
  return `${slugOf(program)}-${digest}`;
}

/** Assignments such as `PASSWORD=x`. Their values must not appear in the name of a node. */
const PLAIN_ASSIGNMENTS = /^(?:\w+=[^\s'"`$\\()]*\s+)*/;

/** The first word after the assignments; 'sh' if only a shell can determine it. */
function programIn(line: string): string {
  const [word = ''] = line.trim().replace(PLAIN_ASSIGNMENTS, '').split(/\s/, 1);
  return word.includes('=') ? 'sh' : word;
}

function slugOf(program: string): string {
  const name = program.slice(program.lastIndexOf('/') + 1).toLowerCase();
  const slug = name.replace(/[^a-z0-9.-]+/g, '-').replace(/^[-.]+/, '');
  return trimmedEnd(slug.slice(0, SLUG_LENGTH), '-.') || 'command';
}
