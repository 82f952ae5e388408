/** The parts of a session that outlive its connections: id, password, timeout, last zxid, xids. */
import { PASSWORD_BYTES } from './decode.ts';
import type { Handshake, HandshakeRequest } from './handshake.ts';
import { RequestNumbers } from './request-numbers.ts';

/** Must never be logged: they suffice to close the session. */
export interface SessionCredentials {
  /** 8 bytes. */
  readonly id: Buffer;
  readonly password: Buffer;
}

const LONG_BYTES = 8;

export class SessionIdentity {
  readonly numbers: RequestNumbers;
  readonly #lastZxid: Buffer = Buffer.alloc(LONG_BYTES);
  #id: Buffer;
  #password: Buffer;
  #timeoutMs: number;
  #isGranted = false;

  /** `timeoutMs`: to request. `resume`: takes over an existing session, to close it. */
  constructor(timeoutMs: number, resume: SessionCredentials | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#id = resume?.id ?? Buffer.alloc(LONG_BYTES);
    this.#password = resume?.password ?? Buffer.alloc(PASSWORD_BYTES);
    this.numbers = resume ? RequestNumbers.ofReaper() : RequestNumbers.ofOwner();
  }

  /** The same format as a node's `ephemeralOwner`; 0 before the session exists. */
  get id(): bigint {
    return this.#id.readBigUInt64BE();
  }

  /** The smallest T granted so far, or the requested one before the first; milliseconds. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** null before there is a session to close. */
  get credentials(): SessionCredentials | null {
    return this.id === 0n ? null : { id: this.#id, password: this.#password };
  }

  /** Requests the smallest T again. */
  get handshakeRequest(): HandshakeRequest {
    return {
      sessionId: this.#id,
      password: this.#password,
      timeoutMs: this.#timeoutMs,
      lastZxid: this.#lastZxid,
    };
  }

  accept({ sessionId, password, timeoutMs }: Handshake): void {
    this.#id = sessionId;
    this.#password = password;
    // A server's minimum may be longer than the requested time.
    this.#timeoutMs = this.#isGranted ? Math.min(this.#timeoutMs, timeoutMs) : timeoutMs;
    this.#isGranted = true;
  }
}
