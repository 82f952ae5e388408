/**
 * Where a scenario is played: on simulated servers or on real ones. A scenario uses nothing else,
 * so that both can be compared line by line.
 */
import type { RawClient } from '../support/raw-client.ts';

export interface Stage {
  /** Number of servers. Server 0 is the leader, or the only one. */
  readonly servers: number;
  connect(server: number): RawClient;
  /**
   * Waits for what only happens as the servers' time goes on. A real server (3.8.0, a follower) now
   * and then keeps an answer to itself until something else arrives: `nudge` is called every half
   * second until then.
   */
  settle<T>(promise: Promise<T>, what: string, nudge?: () => void): Promise<T>;
  pass(ms: number): Promise<void>;
}
