/**
 * Looks up a program by the rules of execvp(3): 127 if it is not found, 126 if it cannot be
 * executed. Only a prediction: the kernel decides at exec. A text file without `#!` counts as
 * executable: execvp and every shell run it with /bin/sh.
 */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CommandLine } from '../../settings/command-line.ts';

export type Resolution =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly exitCode: 126 | 127; readonly message: string };

/** The default of glibc and musl if PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

export const SHELL = '/bin/sh';

/** The argv to execute. */
export function argvOf(command: CommandLine): readonly string[] {
  // After `--` a line may begin with a dash (glibc's system(3) does the same).
  return command.kind === 'shell' ? [SHELL, '-c', '--', command.line] : command.argv;
}

/** `cwd`: undefined means the working directory of lockex, which may have been removed. */
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
    // An empty entry means the working directory.
    const found = examine(at(`${directory || '.'}/${name}`), name);
    if (found.ok) return found;
    if (found.exitCode === 126) refused ??= found;
  }
  return refused ?? notFound(name);
}

function examine(file: string, name: string): Resolution {
  try {
    // Most directories in PATH do not contain the file: an exception for each would be slow.
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
    return notRunnable(name, `${file}: its interpreter ${interpreter} does not exist`);
  }
  return { ok: true, path: file };
}

/**
 * The path after `#!`; null if there is none or the file is not readable, which exec does not
 * require.
 */
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
    // A line that does not end within these bytes would be truncated.
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
  return { ok: false, exitCode: 126, message: `${name}: cannot be executed: ${why}` };
}
