/**
 * Reads small files of /proc and of cgroups. An error is never an empty result: a reading is either
 * known or unknown, and only ENOENT and ESRCH mean that the process or file is gone. Some
 * descriptors are kept in reserve for these reads, for when lockex has used up all others (EMFILE).
 */
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';

export type Reading<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly reason: string };

/** The result of a scan. `gap`: the reason why it may be incomplete; null: it is complete. */
export interface Scan<T> {
  readonly found: T;
  readonly gap: string | null;
}

export function known<T>(value: T): Reading<T> {
  return { known: true, value };
}

export function unknown(reason: string): Reading<never> {
  return { known: false, reason };
}

/**
 * The value, or `fallback` if it is unknown. Must not be used to decide that a process has ended.
 */
export function valueOr<T>(reading: Reading<T>, fallback: T): T {
  return reading.known ? reading.value : fallback;
}

/** The file's text, one character for each byte; null: no such file or process. */
export function readText(path: string): Reading<string | null> {
  return attempt(path, () => readFileSync(path, 'latin1'));
}

/** Names in a directory; null: no such directory or process. */
export function readNames(path: string): Reading<readonly string[] | null> {
  return attempt(path, () => readdirSync(path));
}

/** Paths of the directories in a directory; null: no such directory. */
export function readCgroups(path: string): Reading<readonly string[] | null> {
  return attempt(path, () =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${path}/${entry.name}`),
  );
}

/** Numeric names in a directory of /proc; null: no such process. */
export function readNumbers(path: string): Reading<readonly number[] | null> {
  const names = readNames(path);
  if (!names.known || names.value === null) return names as Reading<null>;
  return known(names.value.filter((name) => /^\d+$/.test(name)).map(Number));
}

/**
 * Writes to an existing file; false if that failed. Write-only, because cgroup.kill has mode 0200.
 */
export function writeText(path: string, text: string): boolean {
  const written = attempt(path, () => {
    const file = openSync(path, constants.O_WRONLY);
    try {
      return writeSync(file, text) === text.length;
    } finally {
      closeSync(file);
    }
  });
  return written.known && written.value === true;
}

/** True if a path exists. Needs no descriptor. */
export function isThere(path: string): Reading<boolean> {
  const found = attempt(path, () => statSync(path));
  return found.known ? known(found.value !== null) : found;
}

/**
 * False for a process that is hidden from lockex: hidepid (proc(5)) and security modules refuse the
 * lookup itself, not only the permission to read.
 */
export function isVisible(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch (error) {
    return !REFUSED.has(codeOf(error));
  }
}

const GONE = new Set(['ENOENT', 'ESRCH']);
const REFUSED = new Set(['EACCES', 'EPERM']);
/** open(2): no descriptor is left, for this process or on this host. */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE']);
/** One for the read itself, others because a thread of the runtime may take one meanwhile. */
const RESERVED = 4;
/** Opening it has no side effects, and it exists on every host. */
const PLACEHOLDER = '/dev/null';

const reserve: number[] = [];
refill();

function attempt<T>(path: string, read: () => T): Reading<T | null> {
  let error = tried(read);
  while ('error' in error && EXHAUSTED.has(codeOf(error.error))) {
    const spare = reserve.pop();
    if (spare === undefined) break;
    closeSync(spare);
    error = tried(read);
  }
  if (reserve.length < RESERVED) refill();
  if ('value' in error) return known(error.value);
  const code = codeOf(error.error);
  return GONE.has(code) ? known(null) : unknown(`${code} at ${path}`);
}

function tried<T>(read: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: read() };
  } catch (error) {
    return { error };
  }
}

function refill(): void {
  try {
    while (reserve.length < RESERVED) reserve.push(openSync(PLACEHOLDER, 'r'));
  } catch {
    // The next read tries again.
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
