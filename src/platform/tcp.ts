/** TCP sockets. In the standalone executable, src/platform/bun/tcp.ts replaces this file. */
import { connect } from 'node:net';
import type { Host } from '../settings/access.ts';

/** The part of a `Socket` of node:net or node:tls that lockex uses. */
export interface ServerSocket {
  on(event: 'connect' | 'secureConnect' | 'drain' | 'close', listener: () => void): unknown;
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** `onTaken`: the buffer may be reused. */
  write(bytes: Uint8Array, onTaken?: () => void): boolean;
  destroy(): unknown;
  readonly destroyed: boolean;
}

export function connectTcp({ host, port, address }: Host): ServerSocket {
  return connect({ host: address ?? host, port, noDelay: true });
}
