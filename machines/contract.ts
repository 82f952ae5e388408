/**
 * The messages between the machine and its actors. Events are facts, in the past tense; commands
 * are imperative. Everything here is plain JSON: no handles, no Errors.
 *
 * Times are milliseconds of `src/util/clock.ts` (since boot), unless a name says otherwise.
 */
import type { HostFailure, LastRun, Loss } from './facts.ts';
import type { CommandExit, Outcome } from './outcome.ts';

export type { HostFailure, LastRun, Loss, LossCause } from './facts.ts';

/** The machine's own settings: everything that its decisions depend on, and nothing else. */
export interface LockexInput {
  /** Attempts to connect, each bounded by the actor (`-R`): 1 or more. */
  readonly connectTries: number;
  /** Sessions to try before the command is started (`-r`): 1 or more. */
  readonly lockTries: number;
  /** Maximum wait for the lock (`-t`); null: no limit; 0: `--no-blocking`. */
  readonly waitMs: number | null;
  /** After the command was stopped because the lock was lost: exit, or connect again. */
  readonly onLost: 'exit' | 'rejoin';
  /** Grace between SIGTERM and SIGKILL (`--kill-after`). */
  readonly killAfterMs: number;
  /** Exit status when the lock could not be acquired (`-E`). */
  readonly conflictExitCode: number;
  /** Maximum run time of the command (`--max-runtime`); null: no limit. */
  readonly maxRuntimeMs: number | null;
  /**
   * Treatment of processes that outlive the command's first process: stop them (then a run that
   * exited with 0 is not a success), or wait until they have exited (`--wait-for-all`).
   */
  readonly leftovers: 'stop' | 'await';
  /** Minimum hold time of the lock, from the command's start (`--hold`); null: none. */
  readonly holdMs: number | null;
  /** Skip the run if one has succeeded within this time (`--once-per`); null: never skip. */
  readonly oncePerMs: number | null;
  /** Exit status of a skipped run (`--skip-exit-code`). */
  readonly skipExitCode: number;
}

/** The public part of a session: without its id and password, which suffice to close it. */
export interface SessionInfo {
  /** host:port of the server that we are connected to. */
  readonly server: string;
  /** The session timeout that the server granted. */
  readonly timeoutMs: number;
}

/** A contender in the queue. */
export interface ContenderInfo {
  /** Name of its node. */
  readonly node: string;
  /**
   * Made from the node's data, e.g. `db1 pid 4711 (redis-server)`; '' if that names no contender.
   */
  readonly label: string;
}

export interface QueueInfo {
  /** 1: next to acquire the lock. */
  readonly position: number;
  /** Holders of the lock, or of its permits; incomplete if they were not all read. */
  readonly holders: readonly ContenderInfo[];
  /** The contender whose node we watch; null when we watch all permits of a semaphore. */
  readonly behind: ContenderInfo | null;
}

export interface LeaseInfo {
  /** Send time of the proven touch from which this lease counts. */
  readonly provenAt: number;
  /**
   * From this time on, the server may grant the lock to another contender: the command must be
   * dead.
   */
  readonly leaseEnd: number;
  /** Time at which stopping has to begin, to be finished by leaseEnd. */
  readonly stopAt: number;
}

/** The lock, once it is granted. */
export interface GrantInfo {
  /** Path of our node, below the chroot. */
  readonly path: string;
  /** czxid of our node, decimal. */
  readonly fencingToken: string;
}

/**
 * From the ZooKeeper actor. Between session.suspended and session.resumed there are no events of
 * the queue. After session.resumed, lock.queued or lock.granted is sent again.
 */
export type ZookeeperEvent =
  | {
      readonly type: 'session.established';
      readonly session: SessionInfo;
      /** The lease of a grant that follows immediately. */
      readonly lease: LeaseInfo;
    }
  | { readonly type: 'session.unreachable'; readonly hosts: readonly HostFailure[] }
  | { readonly type: 'session.suspended'; readonly reason: string }
  | { readonly type: 'session.resumed'; readonly session: SessionInfo }
  | { readonly type: 'session.lost'; readonly loss: Loss }
  | { readonly type: 'session.closed'; readonly clean: boolean }
  | { readonly type: 'lock.queued'; readonly queue: QueueInfo }
  /** The lock was granted; the lease is still to be confirmed. */
  | { readonly type: 'lock.granted' }
  /** The lock was granted and the lease is confirmed; or the answer to `lock.confirm`. */
  | {
      readonly type: 'lock.confirmed';
      readonly grant: GrantInfo;
      readonly lease: LeaseInfo;
      /** null: there is none, or it was not read. */
      readonly lastRun: LastRun | null;
    }
  | { readonly type: 'run.recorded'; readonly confirmed: boolean; readonly message: string }
  | { readonly type: 'lock.refused'; readonly message: string }
  | { readonly type: 'lock.released'; readonly confirmed: boolean; readonly message: string }
  /** While the lock is held, or we are next in the queue. */
  | { readonly type: 'lease.renewed'; readonly lease: LeaseInfo };

/** To the ZooKeeper actor. */
export type ZookeeperCommand =
  /**
   * Make a session, bounded by `-T`; answered by session.established or .unreachable. A previous
   * session is discarded.
   */
  | { readonly type: 'session.connect' }
  /**
   * Join the queue; answered by lock.queued (also at each later change), lock.granted,
   * lock.confirmed, lock.refused.
   */
  | { readonly type: 'lock.join'; readonly blocking: boolean }
  /** Prove the lease and read the token; answered by lock.confirmed, or the session's events. */
  | { readonly type: 'lock.confirm' }
  /**
   * Record in a node beside the lock that the command succeeded; retried for as long as the lease
   * lasts; answered by run.recorded or session.lost.
   */
  | { readonly type: 'run.record' }
  /** Delete our node; retried until it is confirmed or impossible; answered by lock.released. */
  | { readonly type: 'lock.release' }
  /** Let the session expire: send nothing more, not even the request to close it. Not answered. */
  | { readonly type: 'session.abandon' }
  /** Close the session, within a time limit; answered by session.closed. */
  | { readonly type: 'session.close' };

/** From the command actor. */
export type CommandEvent =
  /** The program was looked up while waiting and can't be run at present: a warning. */
  | { readonly type: 'command.unresolved'; readonly message: string }
  /** The gate is parked, the guard runs and has echoed a deadline that is far enough away. */
  | { readonly type: 'command.armed'; readonly guarded: boolean; readonly scope: string }
  | { readonly type: 'command.started'; readonly pid: number }
  /** The command can't be run. No part of it has run. */
  | {
      readonly type: 'command.failed';
      readonly exitCode: 125 | 126 | 127;
      readonly message: string;
    }
  /**
   * Its first process ended; its other processes may still run. `byGuard`: the guard killed it
   * because the last lease that it had received was over; lockex may have a newer one.
   */
  | { readonly type: 'command.exited'; readonly exit: CommandExit; readonly byGuard: boolean }
  /** All processes of the command are dead. `exit` is null if none has ever run. */
  | {
      readonly type: 'command.stopped';
      readonly exit: CommandExit | null;
      readonly how: StopReport;
    }
  /** Some process survives SIGKILL, or its state is unknown; repeated every few seconds. */
  | {
      readonly type: 'command.unkillable';
      readonly processes: readonly string[];
      /** The reason if it is unknown whether there are others; absent if it is known. */
      readonly unknown?: string;
    }
  /** The guard is gone or silent and could not be replaced. */
  | { readonly type: 'guard.failed'; readonly message: string };

/** How the command's processes ended. */
export interface StopReport {
  /** The strongest means that was needed. */
  readonly means: 'none' | 'exited' | 'SIGTERM' | 'SIGKILL';
  /** Processes that outlived the command's first process and were stopped: `name[pid]`. */
  readonly stragglers: readonly string[];
}

/** To the command actor. */
export type CommandCommand =
  /** Park the gate and start the guard. */
  | { readonly type: 'command.park' }
  /**
   * Arm the guard with this lease, unless its current deadline is still far away; answered each
   * time by command.armed or .failed.
   */
  | { readonly type: 'command.arm'; readonly lease: LeaseInfo }
  /**
   * Send the guard the newest lease, then open the gate; answered by command.started or .failed.
   */
  | { readonly type: 'command.start'; readonly grant: GrantInfo }
  /** Send the guard a newer lease; before the start, this arms it in advance. Not answered. */
  | { readonly type: 'command.extend'; readonly lease: LeaseInfo }
  /** Forward a signal to its process group. */
  | { readonly type: 'command.signal'; readonly signal: string }
  /**
   * Stop all processes: SIGTERM, then SIGKILL after `graceMs`; all are dead by `deadline`, if there
   * is one. A repeated command can only make this faster. Answered by command.stopped.
   */
  | { readonly type: 'command.stop'; readonly graceMs: number; readonly deadline: number | null };

/** From the signals actor. */
export type SignalEvent = {
  readonly type: 'signal.received';
  readonly signal: string;
  readonly number: number;
};

/** Raised by the machine itself. */
export type TimerEvent =
  /** `waitMs` has elapsed. */
  | { readonly type: 'wait.timedOut' }
  /** The command has run for `maxRuntimeMs`. */
  | { readonly type: 'run.timedOut'; readonly maxRuntimeMs: number }
  /** The lock has been held for `holdMs`. */
  | { readonly type: 'hold.over' };

export type LockexEvent = ZookeeperEvent | CommandEvent | SignalEvent | TimerEvent;

/** Tags of states, for observers: `snapshot.hasTag('lockHeld')`. */
export type LockexTag =
  /** The lock may be held, and its lease counts down. */
  | 'lockHeld'
  /** Processes of the command may be alive. */
  | 'commandMayBeAlive';

/** The timer of `-t`. */
export type Patience = 'fresh' | 'counting' | 'over';

export interface LockexContext extends LockexInput {
  readonly session: SessionInfo | null;
  readonly queue: QueueInfo | null;
  readonly lease: LeaseInfo | null;
  readonly grant: GrantInfo | null;
  /** Pid of the command's first process, while it lives. */
  readonly pid: number | null;
  /** How the command's first process ended. */
  readonly exit: CommandExit | null;
  readonly stopReport: StopReport | null;
  readonly connectTriesLeft: number;
  readonly lockTriesLeft: number;
  readonly patience: Patience;
  /** The minimum hold time has not elapsed: keep the lock even if the command has ended. */
  readonly isHolding: boolean;
  /** How the session was lost, from then until a new one is established. */
  readonly loss: Loss | null;
  /** Written once; the first cause wins. */
  readonly outcome: Outcome | null;
}
