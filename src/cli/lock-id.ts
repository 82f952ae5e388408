/**
 * The lock id of a command that was given none: the same on every host and in every version. Pure.
 */
import { createHash } from 'node:crypto';
import type { CommandLine } from '../settings.ts';

const SLUG_LENGTH = 32;
const DIGEST_LENGTH = 16;

/** A slug of the program's name, for people, and a digest of the whole command line. */
export function lockIdOf(command: CommandLine): string {
  const words = command.kind === 'shell' ? [command.line] : command.argv;
  // JSON: ["a b"] and ["a","b"] must not be one lock.
  const encoded = JSON.stringify([command.kind, ...words]);
  const digest = createHash('sha256').update(encoded).digest('hex').slice(0, DIGEST_LENGTH);
  return `${slugOf(words[0] ?? '')}-${digest}`;
}

function slugOf(word: string): string {
  const program = word.trim().split(/\s/, 1)[0] ?? '';
  const name = program.slice(program.lastIndexOf('/') + 1).toLowerCase();
  const slug = name.replace(/[^a-z0-9.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '');
  return slug.slice(0, SLUG_LENGTH) || 'command';
}
