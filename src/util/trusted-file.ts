/**
 * The only way to read a file that lockex trusts: configuration, password, certificates and keys.
 *
 * A file is trusted if only root and the current user can change it, like with sshd's StrictModes
 * (`safe_path` in OpenSSH's misc.c, which checks only the resolved path): the file, each directory
 * above it and each symbolic link in the path are owned by root or the current user, and are not
 * writable by group and others. Two exceptions: root's group may write; and in a directory with the
 * sticky bit, such as /tmp, others may create files, but cannot replace this one (inode(7)).
 *
 * The descriptor that is read is the one that was checked. It never blocks: pipes, devices and
 * files of /proc that block (/proc/kmsg is a regular file by its mode) are refused.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** Its message is one line, names the file and never contains its content. */
export class TrustedFileError extends Error {
  override readonly name = 'TrustedFileError';
}

export interface TrustedFileOptions {
  /** A larger file is refused; bytes. */
  readonly maxBytes: number;
  /**
   * `public`: others may read it. `private`: only the owner may read it, and also the group if root
   * owns the file and lockex does not run as root: such a file was prepared by root for a service.
   */
  readonly readers: 'public' | 'private';
}

const ROOT = 0;
const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;
const GROUP_AND_OTHERS = 0o077;
const OTHERS = 0o007;
/** open(2): no descriptor or memory is left. A later try may succeed with the same file. */
const SHORTAGES = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);
/** The kernel's limit (path_resolution(7)). */
const MAX_LINKS = 40;
const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;

/**
 * The whole content, in a buffer outside of V8's heap that the caller can wipe. @throws
 * TrustedFileError
 */
export function readTrusted(path: string, options: TrustedFileOptions): Buffer {
  const bytes = readTrustedIfThere(path, options);
  if (bytes === null) throw new TrustedFileError(`${path} can't be read: no such file`);
  return bytes;
}

/**
 * The same; null where there is no such file.
 *
 * @throws TrustedFileError; the system's error where the file itself is not at fault (SHORTAGES)
 */
export function readTrustedIfThere(path: string, options: TrustedFileOptions): Buffer | null {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const opened = fstatSync(descriptor);
    if (!opened.isFile()) throw new TrustedFileError(`${path} is not a regular file`);
    const named = checkWay(path);
    // Another file took its name between open and the check.
    if (named.ino !== opened.ino || named.dev !== opened.dev) {
      throw new TrustedFileError(`${path} was replaced while it was being read; try again`);
    }
    checkReaders(path, opened, options);
    return readAll(path, descriptor, options.maxBytes);
  } catch (error) {
    if (error instanceof TrustedFileError) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (SHORTAGES.has(code)) throw error;
    throw new TrustedFileError(`${path} can't be read: ${REASONS[code] ?? code}`);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/**
 * Follows the path from the root, through symbolic links, checks each step, and returns the status
 * of the last. @throws TrustedFileError, or the system's error
 */
function checkWay(path: string): Stats {
  /** Contains no symbolic links, so `..` is the directory above. */
  let at = '/';
  let stat = lstatSync(at);
  checkOwner(path, at, stat);
  const names = namesIn(isAbsolute(path) ? path : `${process.cwd()}/${path}`);
  let links = 0;
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const next = join(at, name);
    stat = lstatSync(next);
    checkOwner(path, next, stat);
    if (!stat.isSymbolicLink()) {
      at = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new TrustedFileError(`${path} has too many symbolic links`);
    const target = readlinkSync(next);
    if (isAbsolute(target)) at = '/';
    names.unshift(...namesIn(target));
  }
  return stat;
}

function namesIn(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/** `place`: a directory or link in `path`, or `path` itself. @throws TrustedFileError */
function checkOwner(path: string, place: string, stat: Stats): void {
  const isOwn = stat.uid === ROOT || stat.uid === process.geteuid?.();
  const what = place === path ? path : `${path}: ${place}`;
  if (!isOwn) {
    throw new TrustedFileError(
      `${what} belongs to uid ${stat.uid}: it must belong to root or to the user that runs lockex`,
    );
  }
  // The mode of a symbolic link is not used (symlink(7)).
  if (stat.isSymbolicLink() || (stat.isDirectory() && (stat.mode & STICKY) !== 0)) return;
  const forbidden = OTHERS_WRITE | (stat.gid === ROOT ? 0 : GROUP_WRITES);
  if ((stat.mode & forbidden) === 0) return;
  throw new TrustedFileError(
    `${what} can be written by others (mode ${modeOf(stat)}): run chmod go-w on it`,
  );
}

/** @throws TrustedFileError */
function checkReaders(path: string, stat: Stats, { readers }: TrustedFileOptions): void {
  if (readers === 'public') return;
  const tooOpen = stat.uid === process.geteuid?.() ? GROUP_AND_OTHERS : OTHERS;
  if ((stat.mode & tooOpen) === 0) return;
  throw new TrustedFileError(
    `${path} can be read by others (mode ${modeOf(stat)}): run chmod 600 on it`,
  );
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o7777).toString(8);
}

/** Reads to the end: files of /proc have the size 0. */
function readAll(path: string, descriptor: number, maxBytes: number): Buffer {
  let bytes = wipeableBuffer(Math.min(fstatSync(descriptor).size, maxBytes) + 1);
  for (let length = 0; ; ) {
    const read = readSync(descriptor, bytes, length, bytes.length - length, null);
    length += read;
    if (read === 0) return bytes.subarray(0, length);
    if (length > maxBytes) {
      bytes.fill(0);
      throw new TrustedFileError(`${path} is too large: the limit is ${maxBytes} bytes`);
    }
    if (length < bytes.length) continue;
    const larger = wipeableBuffer(Math.min(2 * length, maxBytes + 1));
    bytes.copy(larger);
    bytes.fill(0);
    bytes = larger;
  }
}

/**
 * V8 keeps small arrays in its heap, and copies of their content remain when it moves them. This
 * buffer is outside of the heap, and at least `size` bytes large.
 */
export function wipeableBuffer(size: number): Buffer {
  return Buffer.alloc(Math.max(size, 1024));
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ELOOP: 'too many symbolic links',
  EAGAIN: 'reading it would block',
  ENXIO: 'not a regular file',
};
