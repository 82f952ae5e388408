/** What the values of options may be. Each function takes the text that was typed. Pure. */

import { type AclEntry, CREATOR_ACL, type Host, OPEN_ACL } from '../settings/access.ts';
import { reservedEnding } from '../settings/reserved-names.ts';
import { trimmedEnd } from '../util/trim.ts';
import { quoted, UsageError } from './usage-error.ts';

/** The longest time that a timer can take (24.8 days), in milliseconds. */
const MAX_MS = 2 ** 31 - 1;
const MAX_S = Math.floor(MAX_MS / 1000);
/** A bound that nobody means to reach. */
export const ANY_COUNT = MAX_MS;

/** A whole number in plain digits. */
export function wholeNumber(label: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  const isTooBig = number > most;
  const range =
    most === ANY_COUNT && !isTooBig ? `of ${least} or more` : `from ${least} to ${most}`;
  throw new UsageError(`${label} wants a whole number ${range}, not ${quoted(text)}`);
}

/** Seconds, fractions allowed, as whole milliseconds: at least one, for only 0 means 0. */
export function seconds(label: string, text: string, leastMs: number): number {
  const number = /^(\d+(\.\d+)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  const ms = number === 0 ? 0 : Math.max(1, Math.round(number * 1000));
  if (ms >= leastMs && ms <= MAX_MS) return ms;
  throw new UsageError(
    `${label} wants seconds from ${leastMs / 1000} to ${MAX_S}, not ${quoted(text)}`,
  );
}

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `10m`, `1h`, `1d`; milliseconds. No timer is set to it: it may be years. */
export function timeSpan(label: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(digits) * (UNITS_MS[unit] ?? 0);
  if (ms > 0) return ms;
  throw new UsageError(`${label} wants a time such as 90s, 10m, 1h or 1d, not ${quoted(text)}`);
}

export function oneOf<T extends string>(label: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`${label} wants one of ${choices.join(', ')}, not ${quoted(text)}`);
}

/** Characters that ZooKeeper refuses in a path (`PathUtils.validatePath`). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const REFUSED = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;

/** The name of one node. */
export function lockId(label: string, text: string): string {
  const bad = (why: string) => new UsageError(`${label} wants the name of a lock: ${why}`);
  if (text === '') throw bad('it is empty');
  if (text.includes('/')) throw bad(`${quoted(text)} has a slash (-p says where locks live)`);
  if (text === '.' || text === '..') throw bad(`${quoted(text)} is no name`);
  if (REFUSED.test(text)) throw bad(`${quoted(text)} has characters that ZooKeeper refuses`);
  const reserved = reservedEnding(text);
  if (reserved !== null) throw bad(`${quoted(text)} ends with ${reserved}, which lockex reserves`);
  return text;
}

/** A path, with or without slashes around it; without them when it is given back. */
export function lockPath(label: string, text: string): string {
  const path = trimmedEnd(text.replace(/^\/+/, ''), '/');
  const problem = pathProblem(path);
  if (problem) throw new UsageError(`${label} wants a path in ZooKeeper: ${problem}`);
  if (path.split('/')[0] === 'zookeeper') {
    throw new UsageError(`${label} wants a path in ZooKeeper: /zookeeper is its own`);
  }
  return path;
}

function pathProblem(path: string): string | null {
  if (path === '') return 'it is empty';
  if (REFUSED.test(path)) return `${quoted(path)} has characters that ZooKeeper refuses`;
  const parts = path.split('/');
  if (parts.includes('')) return `${quoted(path)} has an empty part`;
  if (parts.some((part) => part === '.' || part === '..')) return `${quoted(path)} has . or ..`;
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
  if (problem) throw new UsageError(`${label} wants host:port,…/chroot: ${problem}`);
  return { hosts, chroot };
}

function chrootProblem(chroot: string): string | null {
  // `a:2181/x,b:2181/x` would be one host, and a chroot of a strange name.
  if (chroot.includes(',')) return 'the chroot comes once, behind the last host';
  if (chroot.split('/')[1] === 'zookeeper') return '/zookeeper is its own, and no chroot';
  const problem = pathProblem(chroot.slice(1));
  return problem && `as a chroot, ${problem}`;
}

/** A name, an IPv4 address, or an IPv6 address in brackets; and a port. */
const HOST = /^(?:\[([^[\]]+)\]|([\p{L}\p{N}._-]+))(?::(\d{1,5}))?$/u;

/** Not imported: hardly any start has to know, and the standalone executable does without node:net. */
function isIPv6(text: string): boolean {
  return process.getBuiltinModule('node:net').isIPv6(text);
}

function host(label: string, entry: string): Host {
  const [, address, name, digits] = HOST.exec(entry) ?? [];
  const port = Number(digits ?? DEFAULT_PORT);
  const found = address !== undefined && isIPv6(address) ? address : name;
  if (found === undefined || port < 1 || port > 65535) {
    throw new UsageError(`${label} wants host:port,… not ${quoted(entry)}${hintFor(entry)}`);
  }
  return { host: found, port };
}

function hintFor(entry: string): string {
  if (entry === '') return ' (between commas there has to be a host)';
  const [withoutPort = ''] = entry.split(/:\d+$/);
  return isIPv6(entry) || isIPv6(withoutPort) ? ' (IPv6 goes in brackets)' : '';
}

/** `PORT` or `HOST:PORT`; '': loopback, and a free port (0). */
export function listenAddress(label: string, text: string): Host {
  if (text === '') return { host: LOOPBACK, port: 0 };
  const [, address, name, digits = ''] =
    /^(?:\[([^[\]]+)\]:|([\w.-]+):)?(\d{1,5})$/.exec(text) ?? [];
  const isAddress = address === undefined || isIPv6(address);
  const port = Number(digits);
  if (digits === '' || !isAddress || port > 65535) {
    throw new UsageError(`${label} wants [host:]port, not ${quoted(text)}${hintFor(text)}`);
  }
  return { host: address ?? name ?? LOOPBACK, port };
}

const LOOPBACK = '127.0.0.1';

/** Such as `https://stately.ai`, with commas between; without a path, as browsers send them. */
export function webOrigins(label: string, text: string): readonly string[] {
  return text.split(',').map((entry) => {
    const typed = entry.trim();
    if (/^https?:\/\//.test(typed) && URL.canParse(typed)) {
      const { origin, pathname } = new URL(typed);
      if (pathname === '/') return origin;
    }
    throw new UsageError(`${label} wants https://host[:port],… not ${quoted(typed)}`);
  });
}

const PERMISSIONS: Readonly<Record<string, number>> = { r: 1, w: 2, c: 4, d: 8, a: 16 };

/** `open`, `creator`, or a list as zkCli.sh's setAcl takes it: `auth::cdrwa,world:anyone:r`. */
export function acl(label: string, text: string): readonly AclEntry[] {
  if (text === 'open') return OPEN_ACL;
  if (text === 'creator') return CREATOR_ACL;
  return aclEntries(text).map((entry) => {
    const [, scheme, id, letters = ''] = /^([a-z][a-z0-9]*):(.*):([cdrwa]{1,5})$/.exec(entry) ?? [];
    if (scheme === undefined || id === undefined) {
      const wanted = 'open, creator, or scheme:id:permissions,…';
      throw new UsageError(`${label} wants ${wanted} not ${quoted(entry)}`);
    }
    const bits = [...letters].map((letter) => PERMISSIONS[letter] ?? 0);
    return { scheme, id, permissions: bits.reduce((sum, bit) => sum | bit, 0) };
  });
}

/** An id may have commas and colons: CN=a,O=b of x509, an address. */
function aclEntries(text: string): string[] {
  const entries: string[] = [];
  for (const part of text.split(',')) {
    const isEntry = entries.length === 0 || /^[a-z][a-z0-9]*:/.test(part);
    entries.push(isEntry ? part : `${entries.pop()},${part}`);
  }
  return entries;
}
