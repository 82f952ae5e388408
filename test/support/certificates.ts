/**
 * A certificate authority for one test file, created with openssl, and the certificates that it
 * signs.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const LOCALHOST = 'DNS:localhost,IP:127.0.0.1';

export class Authority {
  readonly #directory = mkdtempSync(join(tmpdir(), 'lockex-test-'));

  constructor() {
    this.#openssl(
      ...['req', '-x509', ...NEW_KEY, '-subj', '/CN=authority', '-days', '30'],
      ...['-keyout', this.#file('ca.key'), '-out', this.ca],
    );
  }

  get ca(): string {
    return this.#file('ca.pem');
  }

  /** Returns the paths of a certificate and its key; with `days: -1`, it has expired. */
  sign(
    name: string,
    { names = LOCALHOST, days = 30 } = {},
  ): { readonly cert: string; readonly key: string } {
    const [cert, key] = [this.#file(`${name}.pem`), this.#file(`${name}.key`)];
    const [request, extensions] = [this.#file('request'), this.#file('extensions')];
    writeFileSync(extensions, `subjectAltName=${names}\n`);
    this.#openssl('req', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
    this.#openssl(
      ...['x509', '-req', '-in', request, '-CA', this.ca, '-CAkey', this.#file('ca.key')],
      ...['-CAcreateserial', '-days', `${days}`, '-extfile', extensions, '-out', cert],
    );
    return { cert, key };
  }

  /** Lines of zoo.cfg for a secure port of a server with such a certificate. */
  securePort(
    port: number,
    { clientAuth, ...certificate }: { names?: string; days?: number; clientAuth: 'none' | 'need' },
  ): Record<string, string | number | boolean> {
    const { cert, key } = this.sign(`server-${port}`, certificate);
    // The servers expect both in one file.
    appendFileSync(key, readFileSync(cert));
    return {
      serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
      secureClientPort: port,
      secureClientPortAddress: '127.0.0.1',
      'ssl.keyStore.location': key,
      'ssl.keyStore.type': 'PEM',
      'ssl.trustStore.location': this.ca,
      'ssl.trustStore.type': 'PEM',
      'ssl.clientAuth': clientAuth,
      'ssl.hostnameVerification': false,
    };
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #file(name: string): string {
    return join(this.#directory, name);
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
