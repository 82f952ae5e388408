/**
 * Decides which requests the inspector answers, from their headers and URL alone. Pure.
 *
 * - The token in the URL excludes clients that have not read lockex's log: mainly other users of
 *   this host, who can reach loopback as well.
 * - The Host header must name this server, to prevent DNS rebinding: a foreign page whose host name
 *   resolves to this address sends its own name.
 * - An Origin, which browsers send with every WebSocket, must be that of the Host header or listed
 *   in `--inspect-origin`: pages of other sites are rejected even if they know the token.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface AdmissionOptions {
  /** Names of this server for a Host header, in lower case, IPv6 addresses in brackets. */
  readonly names: readonly string[];
  readonly port: number;
  /**
   * Origins such as `https://stately.ai`: their pages may connect, and their hosts may be proxies.
   */
  readonly allowedOrigins: readonly string[];
  readonly token: string;
}

/** A status code, and one line of text for the user. */
export interface Refusal {
  readonly status: 403 | 421;
  readonly message: string;
}

const REFUSALS = {
  host: {
    status: 421,
    message: 'the Host header does not name this server; see docs/inspector.md',
  },
  origin: { status: 403, message: 'this origin is not allowed; see --inspect-origin' },
  token: { status: 403, message: 'missing or wrong token: open the full URL that lockex logged' },
} as const satisfies Readonly<Record<string, Refusal>>;

/**
 * Not parsed with `URL`, which interprets `//host` and `\`. The token must be the first parameter.
 */
const TOKEN = /^[^?#]*\?token=([0-9a-f]+)$/;

export class Admission {
  readonly #options: AdmissionOptions;
  /** `name:port`, as in a Host header. */
  readonly #hosts: ReadonlySet<string>;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    const own = options.names.map((name) => `${name}:${options.port}`);
    const proxies = options.allowedOrigins.map((origin) => new URL(origin).host);
    this.#hosts = new Set([...own, ...proxies]);
  }

  /** null: admitted. `localAddress`: the server's end of the connection. */
  refusalOf(
    { headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>,
    localAddress: string | undefined,
  ): Refusal | null {
    const host = (headers.host ?? '').toLowerCase();
    const reached = `${inUrl(localAddress ?? '')}:${this.#options.port}`;
    if (!this.#hosts.has(host) && host !== reached) return REFUSALS.host;
    if (!this.#isAllowedOrigin(headers.origin, host)) return REFUSALS.origin;
    return this.#isValidToken(TOKEN.exec(url)?.[1] ?? '') ? null : REFUSALS.token;
  }

  /** A request without an Origin does not come from a web page. */
  #isAllowedOrigin(origin: string | undefined, host: string): boolean {
    if (origin === undefined) return true;
    return origin === `http://${host}` || this.#options.allowedOrigins.includes(origin);
  }

  /** In constant time: timingSafeEqual needs equal lengths, which digests have. */
  #isValidToken(token: string): boolean {
    return timingSafeEqual(digestOf(token), digestOf(this.#options.token));
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** An address as written in a URL; an IPv4-mapped IPv6 address as IPv4. */
export function inUrl(address: string): string {
  const isMapped = address.startsWith(MAPPED) && address.includes('.');
  const plain = isMapped ? address.slice(MAPPED.length) : address;
  return plain.includes(':') ? `[${plain}]` : plain;
}

/** RFC 4291, section 2.5.5.2, as the kernel writes them. */
const MAPPED = '::ffff:';
