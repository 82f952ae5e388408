/**
 * The handshake that creates or re-attaches a session: encodes `ConnectRequest`, and checks a
 * server's `ConnectResponse` (`ZooKeeperServer.processConnectRequest`). Pure.
 */
import jute from 'node-zookeeper-client/lib/jute/index.js';
import { decodeHandshake } from './decode.ts';
import { judgeTimeout } from './granted-timeout.ts';

export interface HandshakeRequest {
  /** 8 bytes; zeros request a new session. */
  readonly sessionId: Buffer;
  readonly password: Buffer;
  /** The session timeout to request; milliseconds. */
  readonly timeoutMs: number;
  /**
   * Newest zxid that the session has seen, 8 bytes: a server that is behind it refuses the session.
   */
  readonly lastZxid: Buffer;
}

export interface Handshake {
  /** Read right before the handshake was written. */
  readonly sentAt: number;
  readonly sessionId: Buffer;
  readonly password: Buffer;
  /** The granted session timeout, limited to a plausible one; milliseconds. */
  readonly timeoutMs: number;
}

export type HandshakeResult =
  /** `warning`: an implausible timeout; null: none. */
  | {
      readonly kind: 'accepted';
      readonly handshake: Omit<Handshake, 'sentAt'>;
      readonly warning: string | null;
    }
  /** `expired`: the server reports that the session is over. */
  | { readonly kind: 'expired' | 'failed'; readonly message: string };

export function handshakeFrame(request: HandshakeRequest): Buffer {
  const { lastZxid, timeoutMs, sessionId, password } = request;
  const record = new jute.protocol.ConnectRequest(
    jute.PROTOCOL_VERSION,
    lastZxid,
    Math.round(timeoutMs),
    sessionId,
    password,
  );
  return new jute.Request(null, record).toBuffer();
}

/** Throws MalformedAnswer. */
export function judgeHandshake(frame: Buffer, request: HandshakeRequest): HandshakeResult {
  const { timeoutMs, sessionId, password } = decodeHandshake(frame);
  const isNew = isZero(request.sessionId);
  if (isNew && (timeoutMs <= 0 || isZero(sessionId))) {
    return { kind: 'failed', message: 'the server refused to create a session' };
  }
  if (timeoutMs <= 0) {
    return { kind: 'expired', message: 'the server reports that the session has expired' };
  }
  if (!isNew && !sessionId.equals(request.sessionId)) {
    return { kind: 'expired', message: 'the server answered with another session' };
  }
  const timeout = judgeTimeout(timeoutMs, request.timeoutMs);
  if (timeout.kind === 'refused') return { kind: 'failed', message: timeout.message };
  const warning = timeout.kind === 'limited' ? timeout.message : null;
  const handshake = { sessionId, password, timeoutMs: timeout.timeoutMs };
  return { kind: 'accepted', handshake, warning };
}

function isZero(id: Buffer): boolean {
  return id.every((byte) => byte === 0);
}
