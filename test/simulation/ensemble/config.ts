/** Configuration of an ensemble, by the names of zoo.cfg; and of its disks. */
import type { Delay } from '../network/link.ts';
import { TRAITS, type Version, type VersionTraits } from './version.ts';

export interface ThrottleOptions {
  /** `zookeeper.request_throttle_max_requests`: requests in process on one server; 0: no limit. */
  readonly maxRequests: number;
  /** `zookeeper.request_throttle_stall_time`; milliseconds. */
  readonly stallMs: number;
  /** `zookeeper.throttled_op_wait_time`: what waited longer is refused; milliseconds, 0: never. */
  readonly maxWaitMs: number;
}

export interface EnsembleOptions {
  readonly version?: Version;
  /** Number of participants; 3 when not given. Their ids are 1 and up. */
  readonly participants?: number;
  /** Number of observers; their ids follow. */
  readonly observers?: number;
  /** Id of the participant that the observers follow (`observerMasterPort`); null: the leader. */
  readonly observerMaster?: number | null;
  readonly tickMs?: number;
  readonly initLimit?: number;
  readonly syncLimit?: number;
  /** Milliseconds; 2 and 20 ticks when not given. */
  readonly minSessionTimeoutMs?: number;
  readonly maxSessionTimeoutMs?: number;
  /** Of single members, where it differs, by id - 1: each has a zoo.cfg of its own. */
  readonly ownMaxSessionTimeoutMs?: readonly number[];
  /** Duration of one fsync. */
  readonly fsync?: Delay;
  readonly throttle?: ThrottleOptions;
}

export interface EnsembleConfig {
  readonly version: Version;
  readonly traits: VersionTraits;
  readonly participants: readonly number[];
  readonly observers: readonly number[];
  readonly observerMaster: number | null;
  readonly tickMs: number;
  readonly initLimit: number;
  readonly syncLimit: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly fsync: Delay;
  readonly throttle: ThrottleOptions;
}

export function configOf(options: EnsembleOptions): EnsembleConfig {
  const { version = '3.8', participants = 3, observers = 0, tickMs = 500 } = options;
  const ids = (count: number, first: number) =>
    Array.from({ length: count }, (_, at) => first + at);
  return {
    version,
    traits: TRAITS[version],
    participants: ids(participants, 1),
    observers: ids(observers, participants + 1),
    observerMaster: options.observerMaster ?? null,
    tickMs,
    initLimit: options.initLimit ?? 20,
    syncLimit: options.syncLimit ?? 10,
    minSessionTimeoutMs: options.minSessionTimeoutMs ?? 2 * tickMs,
    maxSessionTimeoutMs: options.maxSessionTimeoutMs ?? 20 * tickMs,
    fsync: options.fsync ?? { minMs: 0.1, maxMs: 1 },
    throttle: options.throttle ?? { maxRequests: 0, stallMs: 100, maxWaitMs: 0 },
  };
}

/** `QuorumMaj.containsQuorum` */
export function isQuorum(config: EnsembleConfig, members: ReadonlySet<number>): boolean {
  const count = config.participants.filter((id) => members.has(id)).length;
  return count > config.participants.length / 2;
}

export const CLIENT_PORT = 2181;
/** Where members listen for learners, for elections, and as an ObserverMaster for observers. */
export const QUORUM_PORT = 'quorum';
export const OBSERVER_PORT = 'observers';

export function hostOf(id: number): string {
  return `zk${id}`;
}
