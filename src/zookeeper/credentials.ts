/**
 * `user:password` for digest authentication: read each time it is sent and wiped after it, so that
 * none of it stays in this process, and a changed one is taken at the next connection.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type Access, AUTH_VARIABLE, type AuthSource } from '../access.ts';

/** A file of the user's that can't be used as it is. Its message never holds what is in it. */
export class AccessError extends Error {
  override readonly name = 'AccessError';
}

const COLON = 0x3a;
const LINE_ENDS = [0x0a, 0x0d];
const GROUP_AND_OTHERS = 0o077;
const OTHERS = 0o007;
const GROUP_WRITES = 0o020;

/** Bytes that the caller has to wipe. @throws AccessError */
export function readCredentials(source: AuthSource, env = process.env): Buffer {
  const bytes =
    source.kind === 'file' ? readPrivately(source.path) : Buffer.from(env[AUTH_VARIABLE] ?? '');
  let end = bytes.length;
  while (end > 0 && LINE_ENDS.includes(bytes[end - 1] ?? 0)) end -= 1;
  const line = bytes.subarray(0, end);
  const colon = line.indexOf(COLON);
  const isOneLine = !LINE_ENDS.some((byte) => line.includes(byte));
  if (isOneLine && colon > 0 && colon < end - 1) return line;
  bytes.fill(0);
  const where = source.kind === 'file' ? source.path : AUTH_VARIABLE;
  throw new AccessError(`${where} has to be one line, user:password`);
}

/** Everything that can be found wrong before a server is asked. @throws AccessError */
export function checkAccess({ auth, tls }: Pick<Access, 'auth' | 'tls'>): void {
  if (auth !== null) readCredentials(auth).fill(0);
  if (tls === null) return;
  for (const path of [tls.ca, ...(tls.own ? [tls.own.cert] : [])]) checkCertificates(path);
  if (tls.own !== null) checkKey(tls.own.key);
}

const CERTIFICATE = /-----BEGIN (X509 )?CERTIFICATE-----[\s\S]*?-----END \1?CERTIFICATE-----/g;

/** What OpenSSL says of one that can't be read names no file, and Node passes over it in silence. */
function checkCertificates(path: string): void {
  const text = readOrComplain(path).toString('latin1');
  if (!text.includes('CERTIFICATE-----')) {
    throw new AccessError(`${path} holds no certificate (PEM)`);
  }
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  try {
    for (const [certificate] of text.matchAll(CERTIFICATE)) new X509Certificate(certificate);
  } catch {
    throw new AccessError(`${path} holds a certificate that can't be read`);
  }
}

function checkKey(path: string): void {
  const bytes = readPrivately(path);
  try {
    if (!bytes.includes('PRIVATE KEY-----')) {
      throw new AccessError(`${path} holds no private key (PEM)`);
    }
    if (bytes.includes('ENCRYPTED')) {
      throw new AccessError(`${path} is encrypted, and nobody is there to be asked`);
    }
    process.getBuiltinModule('node:crypto').createPrivateKey(bytes);
  } catch (error) {
    if (error instanceof AccessError) throw error;
    throw new AccessError(`${path} holds a private key that can't be read`);
  } finally {
    bytes.fill(0);
  }
}

/**
 * Of a file that holds a secret. Its owner alone may read it; where the owner is somebody else, root
 * say, the group that we are in may, too. @throws AccessError
 */
export function readPrivately(path: string): Buffer {
  return readOrComplain(path, ({ mode, uid }) => {
    const tooOpen = uid === process.getuid?.() ? GROUP_AND_OTHERS : OTHERS | GROUP_WRITES;
    if ((mode & tooOpen) === 0) return;
    throw new AccessError(
      `${path} can be read by others (mode ${(mode & 0o777).toString(8)}): chmod 600 it`,
    );
  });
}

function readOrComplain(
  path: string,
  check: (stat: { readonly mode: number; readonly uid: number }) => void = () => {},
): Buffer {
  let descriptor: number | null = null;
  try {
    // A pipe without a writer is not waited for.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    // It is read again at every connection.
    if (!stat.isFile()) throw new AccessError(`${path} is no regular file`);
    // Of the file that is open, not of one that took its name.
    check(stat);
    const bytes = wipeableBuffer(stat.size);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } catch (error) {
    if (error instanceof AccessError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new AccessError(`${path} can't be read: ${REASONS[code ?? ''] ?? code}`);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/**
 * V8 keeps small arrays in its heap, and moves them: copies of what was in them stay behind. This one
 * is outside, and at least as large as was asked for.
 */
export function wipeableBuffer(size: number): Buffer {
  return Buffer.alloc(Math.max(size, 1024));
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
};
