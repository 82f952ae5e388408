/**
 * Sockets in plain text. The standalone executable has another one of these
 * (src/platform/bun/tcp.ts).
 */
import { connect } from 'node:net';
import type { Host } from '../settings/access.ts';

/** What is used of a `Socket` of node:net or node:tls; events and methods mean what they do there. */
export interface ServerSocket {
  on(event: 'connect' | 'secureConnect' | 'drain' | 'close', listener: () => void): unknown;
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** `onTaken`: the bytes are not needed any more. */
  write(bytes: Uint8Array, onTaken?: () => void): boolean;
  destroy(): unknown;
  readonly destroyed: boolean;
}

export function connectTcp({ host, port, address }: Host): ServerSocket {
  return connect({ host: address ?? host, port, noDelay: true });
}
