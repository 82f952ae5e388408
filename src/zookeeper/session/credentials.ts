/**
 * `user:password` for digest authentication, and the files for TLS. Credentials are read each time
 * they are sent and wiped afterwards, so that none stay in this process, and a change takes effect
 * at the next connection.
 */
import { type Access, AUTH_VARIABLE, type AuthSource } from '../../settings/access.ts';
import { readTrusted, TrustedFileError } from '../../util/trusted-file.ts';

/** A user's file that cannot be used. The message never contains the file's content. */
export class AccessError extends Error {
  override readonly name = 'AccessError';
}

const COLON = 0x3a;
const LINE_ENDS = [0x0a, 0x0d];
const KIB = 1024;
const MAX_SECRET_BYTES = 256 * KIB;
/** The bundle of all public authorities is about 250 KiB. */
const MAX_CERTIFICATES_BYTES = 4096 * KIB;

/** The caller wipes the bytes. @throws AccessError */
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
  const name = source.kind === 'file' ? source.path : AUTH_VARIABLE;
  throw new AccessError(`${name} must be one line, user:password`);
}

/** Checks everything that can be checked without a server. @throws AccessError */
export function checkAccess({ auth, tls }: Pick<Access, 'auth' | 'tls'>): void {
  if (auth !== null) readCredentials(auth).fill(0);
  if (tls === null) return;
  for (const path of [tls.ca, ...(tls.own ? [tls.own.cert] : [])]) checkCertificates(path);
  if (tls.own !== null) checkKey(tls.own.key);
}

/** Checked here because OpenSSL's errors name no file, and Node ignores an invalid certificate. */
function checkCertificates(path: string): void {
  const text = readCertificates(path).toString('latin1');
  if (!text.includes('CERTIFICATE-----')) {
    throw new AccessError(`${path} contains no certificate (PEM)`);
  }
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  try {
    for (const certificate of certificatesIn(text)) new X509Certificate(certificate);
  } catch {
    throw new AccessError(`${path} contains an invalid certificate`);
  }
}

const BEGIN = /-----BEGIN (X509 )?CERTIFICATE-----/;
const END = /-----END (X509 )?CERTIFICATE-----/;

/**
 * Each with its first and last line. A certificate without an end is included, and rejected later.
 */
function certificatesIn(pem: string): string[] {
  return pem
    .split(/(?=-----BEGIN )/)
    .filter((block) => BEGIN.test(block))
    .map((block) => {
      const end = END.exec(block);
      return end === null ? block : block.slice(0, end.index + end[0].length);
    });
}

function checkKey(path: string): void {
  const bytes = readPrivately(path);
  try {
    if (!bytes.includes('PRIVATE KEY-----')) {
      throw new AccessError(`${path} contains no private key (PEM)`);
    }
    if (bytes.includes('ENCRYPTED')) {
      throw new AccessError(`${path} is encrypted: encrypted keys are not supported`);
    }
    process.getBuiltinModule('node:crypto').createPrivateKey(bytes);
  } catch (error) {
    if (error instanceof AccessError) throw error;
    throw new AccessError(`${path} contains an invalid private key`);
  } finally {
    bytes.fill(0);
  }
}

/** Reads a file with a secret; the caller wipes the bytes. @throws AccessError */
export function readPrivately(path: string): Buffer {
  return reading(() => readTrusted(path, { maxBytes: MAX_SECRET_BYTES, readers: 'private' }));
}

/**
 * Reads a file that all users may read, but only root and our user may write. @throws AccessError
 */
export function readCertificates(path: string): Buffer {
  return reading(() => readTrusted(path, { maxBytes: MAX_CERTIFICATES_BYTES, readers: 'public' }));
}

function reading(read: () => Buffer): Buffer {
  try {
    return read();
  } catch (error) {
    throw error instanceof TrustedFileError ? new AccessError(error.message) : error;
  }
}
