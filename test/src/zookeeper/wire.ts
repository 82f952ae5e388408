/** A connection over a socket whose other end is the test; without I/O, on a simulated clock. */
import { EventEmitter } from 'node:events';
import type { ServerSocket } from '../../../src/platform/tcp.ts';
import { Connection, type EndReason } from '../../../src/zookeeper/session/connection.ts';
import { RequestNumbers } from '../../../src/zookeeper/session/request-numbers.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { CHROOT } from './session/answer-frames.ts';

class Wire extends EventEmitter implements ServerSocket {
  destroyed = false;
  write(): boolean {
    return true;
  }
  destroy(): void {
    this.destroyed = true;
  }
}

export interface Wired {
  readonly connection: Connection;
  readonly wire: Wire;
  /** As reported. */
  readonly ends: EndReason[];
  readonly lines: string[];
  /** How often it was attached. */
  readonly attached: () => number;
}

/** The handshake was sent, and is not answered. */
export function wired({ authenticates = false } = {}): Wired {
  const wire = new Wire();
  const ends: EndReason[] = [];
  const lines: string[] = [];
  let attached = 0;
  const connection = new Connection({
    sessionId: Buffer.alloc(8),
    password: Buffer.alloc(16),
    timeoutMs: 4000,
    lastZxid: Buffer.alloc(8),
    numbers: RequestNumbers.ofOwner(),
    chroot: CHROOT,
    handshakeDeadlineMs: 4000,
    clock: new SimulatedClock(),
    openSocket: () => wire,
    defer: setImmediate,
    credentials: () => (authenticates ? Buffer.from('user:password') : null),
    onConnected: () => {},
    onAttached: () => {
      attached += 1;
    },
    onEnded: (reason) => ends.push(reason),
    onHeard: () => {},
    onUnderstood: () => {},
    log: (_, line) => lines.push(line),
  });
  connection.connect();
  wire.emit('connect');
  return { connection, wire, ends, lines, attached: () => attached };
}
