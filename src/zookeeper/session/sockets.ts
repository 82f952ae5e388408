/** Sockets to a server, plain or over TLS, and messages for their errors. */

import { connectTcp, type ServerSocket } from '../../platform/tcp.ts';
import type { Host, TlsFiles } from '../../settings/access.ts';
import { AccessError, readCertificates, readPrivately } from './credentials.ts';

/** Throws AccessError or OpenSSL's errors for the files of TLS. */
export function openSocket(server: Host, tls: TlsFiles | null): ServerSocket {
  return tls === null ? connectTcp(server) : connectTls(server, tls);
}

function connectTls({ host, port, address }: Host, tls: TlsFiles): ServerSocket {
  // Loaded on demand: it would slow down every start without TLS by a tenth.
  const { connect } = process.getBuiltinModule('node:tls');
  const { isIP } = process.getBuiltinModule('node:net');
  const socket = connect({
    host: address ?? host,
    port,
    ca: readCertificates(tls.ca),
    ...(tls.own && { cert: certificateOf(tls.own.cert), key: readPrivately(tls.own.key) }),
    // Selects the server's certificate; an address is not a name that may be sent (RFC 6066).
    ...(isIP(host) === 0 && { servername: host }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
  });
  return socket.setNoDelay();
}

/** Checked here because servers do not report the expiry. @throws AccessError */
function certificateOf(path: string): Buffer {
  const pem = readCertificates(path);
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  const { validTo } = new X509Certificate(pem);
  if (Date.parse(validTo) > Date.now()) return pem;
  throw new AccessError(`the client certificate in ${path} has expired (${validTo})`);
}

/** The event after which a socket of `openSocket` may be written to. */
export function readyEvent(socket: ServerSocket): 'connect' | 'secureConnect' {
  return 'encrypted' in socket ? 'secureConnect' : 'connect';
}

export interface SocketProblem {
  readonly message: string;
  /** Useless to try again until a certificate or a setting is changed. */
  readonly isFinal: boolean;
}

const MESSAGES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'could not resolve the host name',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  EADDRNOTAVAIL: 'no route to host',
};

const UNKNOWN_SIGNER = 'its certificate is not signed by an authority in --tls-ca';
const CLIENT_REQUIRED = 'the server requires a client certificate (--tls-cert)';
const CLIENT_REFUSED = 'the server refused the client certificate (--tls-cert)';
const NO_COMMON = 'no TLS version (1.2 or newer) and cipher in common with the server';
const NO_TLS = 'not a TLS port';

/**
 * Error codes of OpenSSL's verification (`X509_V_ERR_…`), its alerts (RFC 8446, section 6) and
 * Node.
 */
const FINAL_MESSAGES: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_SIGNER,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_SIGNER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_SIGNER,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_SIGNER,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_SIGNER,
  CERT_SIGNATURE_FAILURE: UNKNOWN_SIGNER,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet (is the clock right?)',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: CLIENT_REQUIRED,
  // The same in BoringSSL, which Bun uses.
  ERR_SSL_TLSV1_ALERT_CERTIFICATE_REQUIRED: CLIENT_REQUIRED,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: CLIENT_REQUIRED,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: CLIENT_REFUSED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: CLIENT_REFUSED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    'the server reports that the client certificate has expired',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: NO_COMMON,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: NO_COMMON,
  ERR_SSL_UNSUPPORTED_PROTOCOL: NO_COMMON,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: '--tls-key is not the key of --tls-cert',
};

/** Node's message when the other side closes the connection during the TLS handshake. */
const BEFORE_TLS = /before secure TLS connection/;

export function problemOf(error: unknown): SocketProblem {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const final = error instanceof AccessError ? message : FINAL_MESSAGES[code];
  if (final !== undefined) return { message: final, isFinal: true };
  if (BEFORE_TLS.test(message)) {
    return {
      message: 'closed the connection during the TLS handshake (not a TLS port?)',
      isFinal: false,
    };
  }
  return { message: MESSAGES[code] ?? message ?? String(error), isFinal: false };
}
