/**
 * What the machine and its actors say to each other. Events are facts, in the past tense; commands
 * are imperative. Everything here is plain JSON: no handles, no Errors.
 *
 * Times are milliseconds of `src/util/clock.ts` (since boot), unless a name says otherwise.
 */
import type { CommandExit, Outcome } from './outcome.ts';

/** What the machine needs to know to decide. What actors need besides is given to them by wiring. */
export interface LockexInput {
  /** Tries to connect, each bounded by the actor (`-R`): 1 or more. */
  readonly connectTries: number;
  /** Sessions to try before the command is started (`-r`): 1 or more. */
  readonly lockTries: number;
  /** How long to wait for the lock (`-t`); null: for ever; 0: `--no-blocking`. */
  readonly waitMs: number | null;
  /** After the command was stopped for a lost lock: end, or go back to connecting. */
  readonly onLost: 'exit' | 'rejoin';
  /** Grace between SIGTERM and SIGKILL (`--kill-after`). */
  readonly killAfterMs: number;
  /** Exit status when the lock was not had (`-E`). */
  readonly conflictExitCode: number;
  /** How long the command may run (`--max-runtime`); null: for ever. */
  readonly maxRuntimeMs: number | null;
  /**
   * Processes that outlive the command's first one: stop them, which makes a run that ended with 0 no
   * success; or wait until they have ended by themselves (`--wait-for-all`).
   */
  readonly leftovers: 'stop' | 'await';
  /** How long the lock is kept at least, from the command's start (`--hold`); null: as it comes. */
  readonly holdMs: number | null;
  /** Run only if nobody has finished successfully for so long (`--once-per`); null: always. */
  readonly oncePerMs: number | null;
  /** Exit status when somebody has (`--skip-exit-code`). */
  readonly skipExitCode: number;
}

/** The session as people may see it: neither its id nor its password, which together end it. */
export interface SessionInfo {
  /** host:port of the server that we are connected to. */
  readonly server: string;
  /** The session timeout that the server granted. */
  readonly timeoutMs: number;
}

/** A contender in the queue, as its node tells. */
export interface ContenderInfo {
  /** Name of its node. */
  readonly node: string;
  /** What its data says of it, e.g. `db1 pid 4711 (redis-server)`; '' when it tells nothing. */
  readonly label: string;
}

export interface QueueInfo {
  /** 1: next to get it. */
  readonly position: number;
  /** Everyone who holds the lock or one of its leases, as far as we looked. */
  readonly holders: readonly ContenderInfo[];
  /** Whose node we watch; null when it is a whole pool of leases. */
  readonly behind: ContenderInfo | null;
}

export interface LeaseInfo {
  /** When the proven touch that this lease is counted from was sent. */
  readonly provenAt: number;
  /** The server may give the lock to another from here on: all that the command started is dead. */
  readonly leaseEnd: number;
  /** When stopping has to begin, so that it is finished by leaseEnd. */
  readonly stopAt: number;
}

/** The lock, once it is ours. */
export interface GrantInfo {
  /** Our node: the path as a client without our chroot sees it is chroot + path. */
  readonly path: string;
  /** czxid of our node, decimal. */
  readonly fencingToken: string;
}

/** The last run under this lock that succeeded. */
export interface LastRun {
  /** By ZooKeeper's clock; below zero where a new leader's is behind. */
  readonly agoMs: number;
  /** Who ran it, as its label says; '' when it tells nothing. */
  readonly label: string;
}

/** One host that was tried, and what was wrong with it. */
export interface HostFailure {
  readonly host: string;
  readonly problem: string;
}

export type LossCause =
  /** The server said that the session is over. */
  | 'expired'
  /** Our node is gone, or belongs to another session. */
  | 'nodeGone'
  /** The lease could not be proven in time: `stopAt` was reached. */
  | 'leaseEnding'
  /** While no lease was held: T passed without a word from any server. */
  | 'silence';

export interface Loss {
  readonly cause: LossCause;
  readonly message: string;
  /** End of the last proven lease; null: there was none, or another may hold the lock already. */
  readonly leaseEnd: number | null;
}

/**
 * From the ZooKeeper actor. Nothing of the queue is said between session.suspended and
 * session.resumed; after a resumption lock.queued or lock.granted is said anew, to whom it concerns.
 */
export type ZookeeperEvent =
  | {
      readonly type: 'session.established';
      readonly session: SessionInfo;
      /** What a grant that comes at once will be held by. */
      readonly lease: LeaseInfo;
    }
  | { readonly type: 'session.unreachable'; readonly hosts: readonly HostFailure[] }
  | { readonly type: 'session.suspended'; readonly reason: string }
  | { readonly type: 'session.resumed'; readonly session: SessionInfo }
  | { readonly type: 'session.lost'; readonly loss: Loss }
  | { readonly type: 'session.closed'; readonly clean: boolean }
  | { readonly type: 'lock.queued'; readonly queue: QueueInfo }
  /** The lock is ours; that is still to be confirmed. */
  | { readonly type: 'lock.granted' }
  /** The same, where nothing is left to prove; or the answer to `lock.confirm`. */
  | {
      readonly type: 'lock.confirmed';
      readonly grant: GrantInfo;
      readonly lease: LeaseInfo;
      /** null: nobody ever, or it was not asked for. */
      readonly lastRun: LastRun | null;
    }
  | { readonly type: 'run.recorded'; readonly confirmed: boolean; readonly message: string }
  | { readonly type: 'lock.refused'; readonly message: string }
  | { readonly type: 'lock.released'; readonly confirmed: boolean; readonly message: string }
  /** While the lock is held, or ours is the next turn. */
  | { readonly type: 'lease.renewed'; readonly lease: LeaseInfo };

/** To the ZooKeeper actor. */
export type ZookeeperCommand =
  /** One try at a new session; answered by session.established or .unreachable. */
  | { readonly type: 'session.connect' }
  /**
   * Stand in the queue; answered by lock.queued (each time it changes), lock.granted or
   * lock.confirmed, lock.refused.
   */
  | { readonly type: 'lock.join'; readonly blocking: boolean }
  /** Prove the lease and read the token; answered by lock.confirmed, or the session's events. */
  | { readonly type: 'lock.confirm' }
  /**
   * Write down, beside the lock, that the command succeeded: tried for as long as the lease lasts;
   * answered by run.recorded or session.lost.
   */
  | { readonly type: 'run.record' }
  /** Delete our node, until that is confirmed or not possible any more; answered by lock.released. */
  | { readonly type: 'lock.release' }
  /** Leave the session to its timeout: nothing is sent any more, not even its end. Not answered. */
  | { readonly type: 'session.abandon' }
  /** End the session, bounded; answered by session.closed. */
  | { readonly type: 'session.close' };

export type CommandEvent =
  /** The program was looked for while waiting and can't be run as things are: a warning. */
  | { readonly type: 'command.unresolved'; readonly message: string }
  /** The gate is parked, the guard stands and has echoed a deadline that is still far off. */
  | { readonly type: 'command.armed'; readonly guarded: boolean; readonly reach: string }
  | { readonly type: 'command.started'; readonly pid: number }
  /** It can't be run. Nothing of it ever ran. */
  | {
      readonly type: 'command.failed';
      readonly exitCode: 125 | 126 | 127;
      readonly message: string;
    }
  /**
   * Its first process ended; others that it started may still run. `byGuard`: it was killed for a
   * lease that had ended as far as the guard was told, which may be less than lockex knows.
   */
  | { readonly type: 'command.exited'; readonly exit: CommandExit; readonly byGuard: boolean }
  /** Everything that it started is dead. `exit` is null where nothing of it ever ran. */
  | {
      readonly type: 'command.stopped';
      readonly exit: CommandExit | null;
      readonly how: StopReport;
    }
  /** Something is not dying, or it is unknown whether it has; said every few seconds. */
  | {
      readonly type: 'command.unkillable';
      readonly processes: readonly string[];
      /** Why it can't be looked at whether there are others; left out where it can. */
      readonly unknown?: string;
    }
  /** The guard is gone or silent and could not be replaced. */
  | { readonly type: 'guard.failed'; readonly message: string };

/** How the command came to be dead. */
export interface StopReport {
  /** The strongest means that was needed. */
  readonly means: 'none' | 'exited' | 'SIGTERM' | 'SIGKILL';
  /** Processes that outlived the command's first one and were stopped: `name[pid]`. */
  readonly stragglers: readonly string[];
}

/** To the command actor. */
export type CommandCommand =
  /** Park the gate and stand the guard up beside it. */
  | { readonly type: 'command.park' }
  /**
   * Have the guard armed with this lease, or with one that it was told of before and that is good for
   * a while; answered each time by command.armed or .failed.
   */
  | { readonly type: 'command.arm'; readonly lease: LeaseInfo }
  /** Tell the guard the newest lease, then open the gate; answered by command.started or .failed. */
  | { readonly type: 'command.start'; readonly grant: GrantInfo }
  /** The lease moved: tell the guard. Before the start: it is armed beforehand. Not answered. */
  | { readonly type: 'command.extend'; readonly lease: LeaseInfo }
  /** Pass a signal on to its process group. */
  | { readonly type: 'command.signal'; readonly signal: string }
  /**
   * Stop everything: SIGTERM, SIGKILL after `graceMs`, all dead by `deadline` where one is given.
   * May be sent again to make it faster; never makes it slower. Answered by command.stopped.
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
  | { readonly type: 'wait.timedOut' }
  /** The command has run for `maxRuntimeMs`. */
  | { readonly type: 'run.timedOut' }
  /** The lock has been kept for `holdMs`. */
  | { readonly type: 'hold.over' };

export type LockexEvent = ZookeeperEvent | CommandEvent | SignalEvent | TimerEvent;

/** How patient the machine still is (`-t`). */
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
  /** The lock is to be kept although the command may have ended. */
  readonly isHolding: boolean;
  /** How the session was lost, from then until a new one is established. */
  readonly loss: Loss | null;
  /** Written once; the first cause wins. */
  readonly outcome: Outcome | null;
}
