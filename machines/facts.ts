/** Facts that both events and outcomes carry. Plain JSON, as in contract.ts. */

/** The last successful run under this lock. */
export interface LastRun {
  /** By ZooKeeper's clock; negative if a new leader's clock is behind. */
  readonly agoMs: number;
  /** Label of the contender that ran it; '' if its data names no contender. */
  readonly label: string;
}

/** One server that could not be used. */
export interface HostFailure {
  readonly host: string;
  readonly problem: string;
}

export type LossCause =
  /** The server reported that the session has expired. */
  | 'expired'
  /** Our node is gone, or belongs to another session. */
  | 'nodeGone'
  /** The lease could not be proven in time: `stopAt` was reached. */
  | 'leaseEnding'
  /** No lease was held, and no server responded for the session timeout. */
  | 'silence'
  /** The guard killed the command: the last lease that it had received was over. */
  | 'guardFired';

export interface Loss {
  readonly cause: LossCause;
  /** Technical details; null if the cause says everything. */
  readonly message: string | null;
  /** End of the last proven lease; null: none, or another contender may hold the lock already. */
  readonly leaseEnd: number | null;
}
