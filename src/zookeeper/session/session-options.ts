/** The options and the events of a session. */
import type { Access } from '../../settings/access.ts';
import type { Clock } from '../../util/clock.ts';
import type { LogFunction } from '../../util/log-level.ts';
import type { Attachment } from '../client.ts';
import type { Defer } from '../defaults.ts';
import type { Lookup } from './addresses.ts';
import type { SessionCredentials } from './session-identity.ts';
import type { openSocket } from './sockets.ts';

export interface SessionOptions extends Access {
  /** The session timeout to request; milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: LogFunction;
  /** Takes over an existing session instead of creating one, to close it (the reaper). */
  readonly resume?: SessionCredentials;
  readonly random?: () => number;
  readonly openSocket?: typeof openSocket;
  readonly lookup?: Lookup;
  /** See defaults.ts. */
  readonly defer?: Defer;
}

export interface SessionEvents {
  /** A socket is connected; nothing has been sent on it. */
  connected: [];
  attached: [Attachment];
  detached: [{ readonly reason: string }];
  /**
   * Emitted once. `silence`: determined by the session, T after the last answer from any server.
   */
  expired: [{ readonly message: string; readonly by: 'server' | 'silence' }];
  /** Closed or abandoned by this process: nothing more is emitted. */
  abandoned: [];
}
