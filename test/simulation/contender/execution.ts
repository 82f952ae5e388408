/** An execution of a command on a simulated host, and its beginning and end as events. */
import type { LeaseInfo } from '../../../machines/contract.ts';
import type { SimulatedHost } from '../kernel/process.ts';

/** One execution of a command, as the checks see it. */
export interface Execution {
  readonly host: SimulatedHost;
  readonly token: bigint;
  /** The newest lease that lockex has. */
  lease: LeaseInfo;
  /**
   * The latest end of its leases: a server that grants a smaller T moves the end back, also to
   * before the moment at which lockex learns of it, and upon that lockex kills at once.
   */
  latestEnd: number;
  /** Living processes, without the first one. */
  leftovers: number;
  isFirstAlive: boolean;
}

export interface HostEvents {
  readonly onBegun: (execution: Execution) => void;
  readonly onEnded: (execution: Execution) => void;
}
