/** Ids and passwords of sessions. */
import type { SessionId } from '../wire/codes.ts';

const COUNTER_DIGITS = 14;

export class SessionIds {
  readonly #prefix: string;
  #next: number;

  /**
   * `SessionTrackerImpl.initializeNextSessionId`: the server's id, then its uptime, then a counter.
   */
  constructor(serverId: number, uptimeMs: number) {
    this.#prefix = serverId.toString(16).padStart(2, '0');
    this.#next = Math.floor(uptimeMs) * 2 ** 16;
  }

  next(): SessionId {
    const digits = this.#next.toString(16).padStart(COUNTER_DIGITS, '0');
    this.#next += 1;
    return this.#prefix + digits;
  }
}

/** The same on all servers (`ZooKeeperServer.generatePasswd`, with another function). */
export function passwordOf(session: SessionId): Buffer {
  const id = Buffer.from(session, 'hex');
  return Buffer.from(Array.from({ length: 16 }, (_, at) => ((id[at % 8] ?? 0) * 31 + at) ^ 0xb3));
}
