/**
 * The lock id of a command that was given none: the same on every host and in every version. Pure.
 */
import type { CommandLine } from '../settings/command-line.ts';
import { trimmedEnd } from '../util/trim.ts';

const SLUG_LENGTH = 32;
const DIGEST_LENGTH = 16;

/** A slug of the program's name, for people, and a digest of the whole command line. */
export function lockIdOf(command: CommandLine): string {
  const words = command.kind === 'shell' ? [command.line] : command.argv;
  // JSON: ["a b"] and ["a","b"] must not be one lock.
  const encoded = JSON.stringify([command.kind, ...words]);
  // Loaded here: it takes longer than all of this program, and most are given a lock id.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const digest = createHash('sha256').update(encoded).digest('hex').slice(0, DIGEST_LENGTH);
  const program = command.kind === 'shell' ? programIn(command.line) : command.argv[0];
  return `${slugOf(program)}-${digest}`;
}

/** What `PASSWORD=x` assigns must not get into the name of a node. */
const PLAIN_ASSIGNMENTS = /^(?:\w+=[^\s'"`$\\()]*\s+)*/;

/** The first word that is no assignment. 'sh' where only a shell could tell. */
function programIn(line: string): string {
  const [word = ''] = line.trim().replace(PLAIN_ASSIGNMENTS, '').split(/\s/, 1);
  return word.includes('=') ? 'sh' : word;
}

function slugOf(program: string): string {
  const name = program.slice(program.lastIndexOf('/') + 1).toLowerCase();
  const slug = name.replace(/[^a-z0-9.-]+/g, '-').replace(/^[-.]+/, '');
  return trimmedEnd(slug.slice(0, SLUG_LENGTH), '-.') || 'command';
}
