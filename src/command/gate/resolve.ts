/**
 * Whether a program can be run, by the rules of execvp(3), and why not: 127 when it is not there,
 * 126 when it is but can't be executed. Looks only; the kernel has the last word at exec.
 *
 * A text without `#!` counts as runnable: execvp and every shell give it to /bin/sh.
 */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CommandLine } from '../../settings/command-line.ts';

export type Resolution =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly exitCode: 126 | 127; readonly message: string };

/** glibc's and musl's choice where PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

export const SHELL = '/bin/sh';

/** The words that are to be executed. */
export function wordsOf(command: CommandLine): readonly string[] {
  // Behind `--` a line may begin with a dash (glibc's system(3) does the same).
  return command.kind === 'shell' ? [SHELL, '-c', '--', command.line] : command.argv;
}

/** `cwd`: undefined is where we are, which may have no path any more. */
export function resolveProgram(
  name: string,
  path: string | undefined,
  cwd: string | undefined,
): Resolution {
  const at = (file: string) => (cwd === undefined ? file : resolve(cwd, file));
  if (name === '') return notFound(name);
  if (name.includes('/')) return examine(at(name), name);
  let refused: Resolution | null = null;
  for (const directory of (path ?? DEFAULT_PATH).split(':')) {
    // An empty one is where we are.
    const found = examine(at(`${directory || '.'}/${name}`), name);
    if (found.ok) return found;
    if (found.exitCode === 126) refused ??= found;
  }
  return refused ?? notFound(name);
}

function examine(file: string, name: string): Resolution {
  try {
    // Most directories of a PATH have no such file: not worth an exception each.
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) return notFound(name);
    if (stat.isDirectory()) return notRunnable(name, `${file} is a directory`);
  } catch (error) {
    const unreadable = (error as NodeJS.ErrnoException).code === 'EACCES';
    return unreadable ? notRunnable(name, `${file}: permission denied`) : notFound(name);
  }
  try {
    accessSync(file, constants.X_OK);
  } catch {
    return notRunnable(name, `${file}: permission denied`);
  }
  const interpreter = readInterpreter(file);
  if (interpreter !== null && !exists(interpreter)) {
    return notRunnable(name, `${file} wants the interpreter ${interpreter}, which is not there`);
  }
  return { ok: true, path: file };
}

/** The path behind `#!`; null when there is none, or it can't be read (it need not be readable). */
function readInterpreter(file: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const head = Buffer.alloc(256);
    const text = head.toString('utf8', 0, readSync(descriptor, head, 0, head.length, 0));
    // A line that does not end in here would be cut: then we can't tell.
    return /^#![ \t]*(\/[^ \t\r\n]*)[ \t\r\n]/.exec(text)?.[1] ?? null;
  } catch {
    return null;
  } finally {
    closeSync(descriptor);
  }
}

function exists(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function notFound(name: string): Resolution {
  return { ok: false, exitCode: 127, message: `${name === '' ? "''" : name}: command not found` };
}

function notRunnable(name: string, why: string): Resolution {
  return { ok: false, exitCode: 126, message: `${name}: can't be run: ${why}` };
}
