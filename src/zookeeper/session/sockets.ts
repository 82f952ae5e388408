/** Sockets to a server, plain or over TLS, and what can go wrong with them in words for people. */

import { connectTcp, type ServerSocket } from '../../platform/tcp.ts';
import type { Host, TlsFiles } from '../../settings/access.ts';
import { AccessError, readCertificates, readPrivately } from './credentials.ts';

/** May throw what is wrong with the files. */
export function openSocket(server: Host, tls: TlsFiles | null): ServerSocket {
  return tls === null ? connectTcp(server) : connectTls(server, tls);
}

function connectTls({ host, port, address }: Host, tls: TlsFiles): ServerSocket {
  // Not imported: they would cost every start without TLS a tenth of its time.
  const { connect } = process.getBuiltinModule('node:tls');
  const { isIP } = process.getBuiltinModule('node:net');
  const socket = connect({
    host: address ?? host,
    port,
    ca: readCertificates(tls.ca),
    ...(tls.own && { cert: certificateOf(tls.own.cert), key: readPrivately(tls.own.key) }),
    // The name that its certificate is looked up and checked by; of an address, no name is sent.
    ...(isIP(host) === 0 && { servername: host }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
  });
  return socket.setNoDelay();
}

/** Servers say of an expired one only that they don't like it. @throws AccessError */
function certificateOf(path: string): Buffer {
  const pem = readCertificates(path);
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  const { validTo } = new X509Certificate(pem);
  if (Date.parse(validTo) > Date.now()) return pem;
  throw new AccessError(`our certificate in ${path} has expired (${validTo})`);
}

/** The event that says that a socket of `openSocket` may be written to. */
export function readyEvent(socket: ServerSocket): 'connect' | 'secureConnect' {
  return 'encrypted' in socket ? 'secureConnect' : 'connect';
}

export interface SocketTrouble {
  readonly message: string;
  /** Trying again would end no better: somebody has to change a certificate, or a setting. */
  readonly isFinal: boolean;
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to its network',
  ETIMEDOUT: 'connection timed out',
  EADDRNOTAVAIL: 'no route to the host',
};

const UNKNOWN_SIGNER = 'its certificate is not signed by an authority in --tls-ca';
const OURS_WANTED = 'the server wants a certificate of ours (--tls-cert)';
const OURS_REFUSED = 'the server refuses our certificate (--tls-cert)';
const NO_COMMON = 'no version of TLS (1.2 or newer) and cipher that the server takes as well';
const NO_TLS = 'no TLS is spoken on this port';

/** Of OpenSSL's verification (`X509_V_ERR_…`), its alerts (RFC 8446, section 6) and Node. */
const FINAL_WORDS: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_SIGNER,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_SIGNER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_SIGNER,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_SIGNER,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_SIGNER,
  CERT_SIGNATURE_FAILURE: UNKNOWN_SIGNER,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet (is the clock right?)',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: OURS_WANTED,
  // The same to BoringSSL, which Bun has.
  ERR_SSL_TLSV1_ALERT_CERTIFICATE_REQUIRED: OURS_WANTED,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: OURS_WANTED,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: OURS_REFUSED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: OURS_REFUSED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the server says that our certificate has expired',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: NO_COMMON,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: NO_COMMON,
  ERR_SSL_UNSUPPORTED_PROTOCOL: NO_COMMON,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: '--tls-key is not the key of --tls-cert',
};

/** Node's way of saying that the other side closed before TLS stood. */
const BEFORE_TLS = /before secure TLS connection/;

export function troubleWith(error: unknown): SocketTrouble {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const final = error instanceof AccessError ? message : FINAL_WORDS[code];
  if (final !== undefined) return { message: final, isFinal: true };
  if (BEFORE_TLS.test(message)) {
    return {
      message: 'closed the connection before TLS stood (no TLS on this port?)',
      isFinal: false,
    };
  }
  return { message: WORDS[code] ?? message ?? String(error), isFinal: false };
}
