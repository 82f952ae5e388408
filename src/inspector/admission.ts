/**
 * Which requests the inspector answers, decided from their headers and URL alone. Pure.
 *
 * - The token in the URL keeps out everybody who has not read lockex's log: other users of this host
 *   above all, who reach loopback as well.
 * - The Host header has to name this server, against DNS rebinding: a foreign page whose name was
 *   pointed at our address sends its own name.
 * - An Origin, which browsers send with every WebSocket, has to be the one that Host stands for, or
 *   one that was allowed by name (`--inspect-origin`): pages of other sites are kept out even where
 *   they know the token.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface AdmissionOptions {
  /** Names of this server for a Host header, in lower case, IPv6 addresses in brackets. */
  readonly names: readonly string[];
  readonly port: number;
  /** Such as `https://stately.ai`; pages of these may attach, and may be the way to this server. */
  readonly allowedOrigins: readonly string[];
  readonly token: string;
}

/** A status line's code, and one line for people. */
export interface Refusal {
  readonly status: 403 | 421;
  readonly message: string;
}

const REFUSALS = {
  host: { status: 421, message: 'this server has another name; see docs/inspector.md' },
  origin: { status: 403, message: 'pages of this origin may not attach; see --inspect-origin' },
  token: { status: 403, message: 'open the whole address that lockex logged, with its ?token=' },
} as const satisfies Readonly<Record<string, Refusal>>;

/** Parsed without `URL`, which follows `//host` and `\`: null where the token is not the first field. */
const TOKEN = /^[^?#]*\?token=([0-9a-f]+)$/;

export class Admission {
  readonly #options: AdmissionOptions;
  /** As in a Host header. */
  readonly #hosts: ReadonlySet<string>;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    const ours = options.names.map((name) => `${name}:${options.port}`);
    const proxies = options.allowedOrigins.map((origin) => new URL(origin).host);
    this.#hosts = new Set([...ours, ...proxies]);
  }

  /** null: it is admitted. `localAddress`: our end of its connection. */
  refusalOf(
    { headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>,
    localAddress: string | undefined,
  ): Refusal | null {
    const host = (headers.host ?? '').toLowerCase();
    const reached = `${inUrl(localAddress ?? '')}:${this.#options.port}`;
    if (!this.#hosts.has(host) && host !== reached) return REFUSALS.host;
    if (!this.#isAllowedOrigin(headers.origin, host)) return REFUSALS.origin;
    return this.#isOurToken(TOKEN.exec(url)?.[1] ?? '') ? null : REFUSALS.token;
  }

  /** Without an Origin it is no page of a browser. */
  #isAllowedOrigin(origin: string | undefined, host: string): boolean {
    if (origin === undefined) return true;
    return origin === `http://${host}` || this.#options.allowedOrigins.includes(origin);
  }

  /** In constant time: digests have one length, and differ everywhere. */
  #isOurToken(token: string): boolean {
    return timingSafeEqual(digestOf(token), digestOf(this.#options.token));
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** An address as it stands in a URL; one of IPv4 that an IPv6 socket was reached by, as IPv4. */
export function inUrl(address: string): string {
  const isMapped = address.startsWith(MAPPED) && address.includes('.');
  const plain = isMapped ? address.slice(MAPPED.length) : address;
  return plain.includes(':') ? `[${plain}]` : plain;
}

/** RFC 4291, section 2.5.5.2, as the kernel's addresses are written. */
const MAPPED = '::ffff:';
