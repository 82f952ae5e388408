/** The member, as its role uses it (`QuorumPeer`). */
import type { SimulatedProcess } from '../../kernel/process.ts';
import type { Network } from '../../network/network.ts';
import type { EnsembleConfig } from '../config.ts';
import type { ClientServer } from '../server/client-server.ts';
import type { Disk } from '../server/disk.ts';
import type { Database } from '../tree/database.ts';

export interface Peer {
  readonly id: number;
  readonly process: SimulatedProcess;
  readonly network: Network;
  readonly config: EnsembleConfig;
  readonly disk: Disk;
  database: Database;
  /** Clients are served by this from now on. */
  serve(server: ClientServer): void;
  /** `updateElectionVote`: for votes that others ask for. */
  setPeerEpoch(epoch: number): void;
  /** The role is over: another election (`QuorumPeer.run`). */
  lookAgain(reason: string): void;
}

/** A role of a member while it is not looking for a leader. */
export interface Role {
  readonly kind: 'leading' | 'following' | 'observing';
  /** undefined while it does not serve. */
  readonly server: ClientServer | undefined;
  start(): void;
  /** Stops everything that the role has started. */
  stop(): void;
}
