/**
 * Parsers of option values. Each takes the option's label and the text as typed, and throws a
 * UsageError that names both. Pure.
 */

import { type AclEntry, CREATOR_ACL, type Host, OPEN_ACL } from '../settings/access.ts';
import { reservedEnding } from '../settings/reserved-names.ts';
import { trimmedEnd } from '../util/trim.ts';
import { quoted, UsageError } from './usage-error.ts';

/** The longest delay of Node's timers (24.8 days), in milliseconds. */
const MAX_MS = 2 ** 31 - 1;
const MAX_S = Math.floor(MAX_MS / 1000);
/** The upper bound of counts without a meaningful maximum. */
export const MAX_COUNT = MAX_MS;

/** A whole number in plain decimal digits, from `min` to `max`. */
export function wholeNumber(label: string, text: string, min: number, max: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  const isTooBig = number > max;
  const range = max === MAX_COUNT && !isTooBig ? `of ${min} or more` : `from ${min} to ${max}`;
  throw new UsageError(`${label} expects a whole number ${range}, not ${quoted(text)}`);
}

/** Seconds, fractions allowed; returns whole milliseconds, rounded up to 1 unless it is 0. */
export function seconds(label: string, text: string, minMs: number): number {
  const number = /^(\d+(\.\d+)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  const ms = number === 0 ? 0 : Math.max(1, Math.round(number * 1000));
  if (ms >= minMs && ms <= MAX_MS) return ms;
  throw new UsageError(
    `${label} expects seconds from ${minMs / 1000} to ${MAX_S}, not ${quoted(text)}`,
  );
}

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `10m`, `1h`, `1d`; returns milliseconds, possibly of years: no timer is set to it. */
export function timeSpan(label: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(digits) * (UNITS_MS[unit] ?? 0);
  if (ms > 0) return ms;
  throw new UsageError(`${label} expects a time such as 90s, 10m, 1h or 1d, not ${quoted(text)}`);
}

export function oneOf<T extends string>(label: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`${label} expects one of ${choices.join(', ')}, not ${quoted(text)}`);
}

/** Characters that ZooKeeper rejects in a path (`PathUtils.validatePath`). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it searches for them
const INVALID = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;

/** The name of a single node. */
export function lockId(label: string, text: string): string {
  const bad = (why: string) => new UsageError(`${label} expects a lock name: ${why}`);
  if (text === '') throw bad('it is empty');
  if (text.includes('/')) throw bad(`${quoted(text)} contains a slash (use -p for the path)`);
  if (text === '.' || text === '..') throw bad(`${quoted(text)} is not allowed`);
  if (INVALID.test(text)) throw bad(`${quoted(text)} contains characters that ZooKeeper rejects`);
  const reserved = reservedEnding(text);
  if (reserved !== null) throw bad(`${quoted(text)} ends with ${reserved}, which is reserved`);
  return text;
}

/** A path with or without leading and trailing slashes; returns it without them. */
export function lockPath(label: string, text: string): string {
  const path = trimmedEnd(text.replace(/^\/+/, ''), '/');
  const problem = pathProblem(path);
  if (problem) throw new UsageError(`${label} expects a ZooKeeper path: ${problem}`);
  if (path.split('/')[0] === 'zookeeper') {
    throw new UsageError(`${label} expects a ZooKeeper path: ${RESERVED_PATH}`);
  }
  return path;
}

/** ZooKeeper's own nodes (`ZooDefs.ZOOKEEPER_NODE_SUBTREE`). */
const RESERVED_PATH = '/zookeeper is reserved by ZooKeeper';

/** null: valid. */
function pathProblem(path: string): string | null {
  if (path === '') return 'it is empty';
  if (INVALID.test(path)) return `${quoted(path)} contains characters that ZooKeeper rejects`;
  const parts = path.split('/');
  if (parts.includes('')) return `${quoted(path)} has an empty component`;
  if (parts.some((part) => part === '.' || part === '..'))
    return `${quoted(path)} contains . or ..`;
  return null;
}

export interface ZookeeperHosts {
  readonly hosts: readonly Host[];
  /** '' or `/a/b`. */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;

/** `a:2181,b,[::1]:2182/chroot` */
export function zookeeperHosts(label: string, text: string): ZookeeperHosts {
  const slash = text.indexOf('/');
  const list = slash < 0 ? text : text.slice(0, slash);
  const chroot = slash < 0 ? '' : trimmedEnd(text.slice(slash).trim(), '/');
  const hosts = list.split(',').map((entry) => host(label, entry.trim()));
  const problem = chroot === '' ? null : chrootProblem(chroot);
  if (problem) throw new UsageError(`${label} expects host:port,…/chroot: ${problem}`);
  return { hosts, chroot };
}

function chrootProblem(chroot: string): string | null {
  // `a:2181/x,b:2181/x` would be one host with the chroot `/x,b:2181/x`.
  if (chroot.includes(',')) return 'the chroot may appear only once, after the last host';
  if (chroot.split('/')[1] === 'zookeeper') return RESERVED_PATH;
  const problem = pathProblem(chroot.slice(1));
  return problem && `in the chroot, ${problem}`;
}

/** A name, an IPv4 address, or an IPv6 address in brackets; and a port. */
const HOST = /^(?:\[([^[\]]+)\]|([\p{L}\p{N}._-]+))(?::(\d{1,5}))?$/u;

/** Loaded on demand: few starts need it, and the standalone executable does not load node:net. */
function isIPv6(text: string): boolean {
  return process.getBuiltinModule('node:net').isIPv6(text);
}

function host(label: string, entry: string): Host {
  const [, address, name, digits] = HOST.exec(entry) ?? [];
  const port = Number(digits ?? DEFAULT_PORT);
  const found = address !== undefined && isIPv6(address) ? address : name;
  if (found === undefined || port < 1 || port > 65535) {
    throw new UsageError(`${label} expects host:port,… but got ${quoted(entry)}${hintFor(entry)}`);
  }
  return { host: found, port };
}

function hintFor(entry: string): string {
  if (entry === '') return ' (a host is missing)';
  const [withoutPort = ''] = entry.split(/:\d+$/);
  return isIPv6(entry) || isIPv6(withoutPort) ? ' (IPv6 addresses require brackets)' : '';
}

/** `PORT` or `HOST:PORT`; '' means loopback and a free port (0). */
export function listenAddress(label: string, text: string): Host {
  if (text === '') return { host: LOOPBACK, port: 0 };
  const [, address, name, digits = ''] =
    /^(?:\[([^[\]]+)\]:|([\w.-]+):)?(\d{1,5})$/.exec(text) ?? [];
  const isAddress = address === undefined || isIPv6(address);
  const port = Number(digits);
  if (digits === '' || !isAddress || port > 65535) {
    throw new UsageError(`${label} expects [host:]port, not ${quoted(text)}${hintFor(text)}`);
  }
  return { host: address ?? name ?? LOOPBACK, port };
}

const LOOPBACK = '127.0.0.1';

/** Comma-separated origins such as `https://stately.ai`, without a path, as browsers send them. */
export function webOrigins(label: string, text: string): readonly string[] {
  return text.split(',').map((entry) => {
    const typed = entry.trim();
    if (/^https?:\/\//.test(typed) && URL.canParse(typed)) {
      const { origin, pathname } = new URL(typed);
      if (pathname === '/') return origin;
    }
    throw new UsageError(`${label} expects https://host[:port],… but got ${quoted(typed)}`);
  });
}

const PERMISSIONS: Readonly<Record<string, number>> = { r: 1, w: 2, c: 4, d: 8, a: 16 };

/**
 * `open`, `creator`, or a list in the syntax of zkCli.sh's setAcl: `auth::cdrwa,world:anyone:r`.
 */
export function acl(label: string, text: string): readonly AclEntry[] {
  if (text === 'open') return OPEN_ACL;
  if (text === 'creator') return CREATOR_ACL;
  return aclEntries(text).map((entry) => {
    const [, scheme, id, letters = ''] = /^([a-z][a-z0-9]*):(.*):([cdrwa]{1,5})$/.exec(entry) ?? [];
    if (scheme === undefined || id === undefined) {
      const expected = 'open, creator, or scheme:id:permissions,…';
      throw new UsageError(`${label} expects ${expected} but got ${quoted(entry)}`);
    }
    const bits = [...letters].map((letter) => PERMISSIONS[letter] ?? 0);
    return { scheme, id, permissions: bits.reduce((sum, bit) => sum | bit, 0) };
  });
}

/** An id may contain commas and colons: CN=a,O=b of x509, an IPv6 address. */
function aclEntries(text: string): string[] {
  const entries: string[] = [];
  for (const part of text.split(',')) {
    const isEntry = entries.length === 0 || /^[a-z][a-z0-9]*:/.test(part);
    entries.push(isEntry ? part : `${entries.pop()},${part}`);
  }
  return entries;
}
