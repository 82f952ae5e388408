/** The types of zookeeper.js, where the behaviour is described. */

export interface ServerOptions {
  /** The client port; a free one when not given. Not for ensembles. */
  port?: number;
  /** Milliseconds; 500 when not given, which allows session timeouts from 1000 to 10000 ms. */
  tickTime?: number;
  /** Milliseconds. */
  minSessionTimeout?: number;
  /** Milliseconds. */
  maxSessionTimeout?: number;
  /** In ticks. */
  initLimit?: number;
  /** In ticks. */
  syncLimit?: number;
  /** More lines of zoo.cfg; they win over those above. */
  config?: Readonly<Record<string, string | number | boolean>>;
  /** Such as `-Dzookeeper.…`. */
  jvmArguments?: readonly string[];
  /** After this long the server is killed in any case; 3600 when not given. */
  maxLifeSeconds?: number;
}

export interface MemberAddress {
  /** From 1. */
  readonly id: number;
  readonly host: string;
  /** For clients. */
  readonly port: number;
  /** Where the member listens while it leads: followers connect here. */
  readonly quorumPort: number;
  readonly electionPort: number;
}

export type MemberRoute = Pick<MemberAddress, 'host' | 'quorumPort' | 'electionPort'>;

export interface EnsembleOptions extends Omit<ServerOptions, 'port'> {
  /** How many members; 3 when not given. */
  size?: number;
  /**
   * Under which address `from` reaches `to`: the place for a proxy between two members. Followers
   * always connect to their leader's quorum port this way. Elections may not: a member with the
   * greater id dials back the election address that the other one has told it (ZooKeeper's
   * QuorumCnxManager), so a cut is a cut of the quorum port, not of every vote.
   */
  reach?: (route: { from: MemberAddress; to: MemberAddress }) => MemberRoute | Promise<MemberRoute>;
}

export type Role = 'leader' | 'follower' | 'standalone';

export interface Server {
  readonly host: string;
  readonly port: number;
  /** `host:port` */
  readonly connectString: string;
  /** The JVM's; another one after restart(). */
  readonly pid: number;
  readonly running: boolean;
  /** Holds zoo.cfg, data and log; removed by stop(). */
  readonly dir: string;
  /** Undefined while it serves nobody: down, paused, or without a quorum. */
  role(): Promise<Role | undefined>;
  /** Until it serves clients; rejects after `timeoutMs` (60000 when not given). */
  ready(timeoutMs?: number): Promise<void>;
  fourLetter(word: string, options?: { timeoutMs?: number }): Promise<string>;
  /** The last lines that it logged (30 when not given). */
  log(lines?: number): string;
  /** SIGSTOP: connections stay open, and nothing is answered once this has resolved. */
  pause(): Promise<void>;
  resume(): void;
  /** SIGKILL, and waits for the end; the data stays. */
  kill(): Promise<void>;
  /** Ends it if it runs, and starts it on the same port and data; `ready: false` doesn't wait for it. */
  restart(options?: { ready?: boolean }): Promise<void>;
  /** Ends it for good and removes its folder. */
  stop(): Promise<void>;
}

export interface Ensemble {
  /** In the order of their ids: the first one's is 1. */
  readonly members: readonly Server[];
  /** All members', with commas. */
  readonly connectString: string;
  /** Waits for one; rejects after `timeoutMs` (60000 when not given). */
  leader(timeoutMs?: number): Promise<Server>;
  /** Those that follow a leader now. */
  followers(): Promise<Server[]>;
  stop(): Promise<void>;
}

/** Undefined when Java or ZooKeeper is missing. */
export function findZookeeper(
  env?: NodeJS.ProcessEnv,
): { java: string; classpath: string } | undefined;
export function startServer(options?: ServerOptions): Promise<Server>;
export function startEnsemble(options?: EnsembleOptions): Promise<Ensemble>;
