/**
 * What each error of a server means in each phase of a contender: one table. Pure.
 *
 * The facts are those of `KeeperException.Code` and of where servers send it. Two rules hold it
 * together: only "no such node" ends a hold at once, and once the command may run no error refuses
 * anything; it is tried again for as long as the lease lasts.
 */
import type { RequestError, RequestErrorCode } from './errors.ts';

/** What an error says about the request and its connection. */
export type ErrorClass =
  /** The connection has ended, or is about to: the session reports what becomes of it. */
  | 'disconnected'
  /** It is not known whether the request was carried out; the next server may do better. */
  | 'suspect'
  /**
   * Not carried out, for load: `RequestThrottler` marks the request, which is then neither sent to
   * the leader nor waited for (`FollowerRequestProcessor`, `CommitProcessor.needCommit`).
   */
  | 'throttled'
  | 'absent'
  /** Not carried out, and it would not be the next time: rights, quotas, configuration. */
  | 'denied'
  /** Not carried out: the node is not as it was expected to be. */
  | 'conflict';

export type ErrorPhase =
  /** The answer to our authentication, before the session is used. */
  | 'connecting'
  /** Creating our node, and looking at the queue or the pool. */
  | 'queueing'
  /** Next in line: looking at our node beforehand. */
  | 'preparing'
  /** Queued or granted, reconnected: the leader is asked for a confirmation, whatever it is. */
  | 'rejoining'
  /** Granted: the lease is being proven, and our node looked at. */
  | 'confirming'
  /** Held, reconnected: is the node still ours? */
  | 'resuming'
  /** Held: a watch has told of a change of our node. */
  | 'holding'
  /** A request that renews the lease. */
  | 'renewing'
  /** Writing down that the command succeeded. */
  | 'recording'
  | 'releasing'
  /** Asking for the end of the session. */
  | 'closing'
  /** `lockex status` and the inspector. */
  | 'watching';

export type ErrorAction =
  /** Nothing: the session reports what follows, and the phase begins anew on its next connection. */
  | 'wait'
  /** Again on another connection; repeatedly only after a pause. */
  | 'reattach'
  /** Again on the same connection, after a pause. */
  | 'retry'
  /** Our node is gone: another contender may hold the lock. */
  | 'nodeGone'
  /** Give up the lock before the command has started, with the server's reason (125). */
  | 'refuse'
  /** Give up this request, and say so; the lock and the command are not concerned. */
  | 'giveUp'
  /** What was asked for is so already. */
  | 'done'
  /** Any answer of the leader will do, and this is one, if it is the leader's. */
  | 'answered'
  /** Nothing: what was asked for is asked for again in a later phase. */
  | 'ignore';

export const ERROR_CLASSES: Readonly<Record<RequestErrorCode, ErrorClass>> = {
  CONNECTION_LOSS: 'disconnected',
  SESSION_EXPIRED: 'disconnected',
  // The server closes the session (`ZooKeeperServer.processSasl`, `AuthenticationHelper`).
  AUTH_REQUIRED: 'disconnected',

  TIMEOUT: 'suspect',
  SYSTEM_ERROR: 'suspect',
  RUNTIME_INCONSISTENCY: 'suspect',
  DATA_INCONSISTENCY: 'suspect',
  // Any exception in `PrepRequestProcessor` or, after the commit, in `FinalRequestProcessor`; and
  // the commit of another request (`CommitProcessor` matches by session and xid).
  MARSHALLING_ERROR: 'suspect',
  UNKNOWN_SESSION: 'suspect',
  API_ERROR: 'suspect',
  // The session is attached elsewhere, as far as the leader knows (`SessionTrackerImpl`).
  SESSION_MOVED: 'suspect',
  // A server without a quorum (`ReadOnlyRequestProcessor`).
  NOT_READ_ONLY: 'suspect',
  REQUEST_TIMEOUT: 'suspect',
  UNKNOWN: 'suspect',

  THROTTLED: 'throttled',

  NO_NODE: 'absent',

  UNIMPLEMENTED: 'denied',
  BAD_ARGUMENTS: 'denied',
  NEW_CONFIG_NO_QUORUM: 'denied',
  RECONFIG_IN_PROGRESS: 'denied',
  NO_AUTH: 'denied',
  NO_CHILDREN_FOR_EPHEMERALS: 'denied',
  INVALID_CALLBACK: 'denied',
  INVALID_ACL: 'denied',
  AUTH_FAILED: 'denied',
  EPHEMERAL_ON_LOCAL_SESSION: 'denied',
  NO_WATCHER: 'denied',
  RECONFIG_DISABLED: 'denied',
  QUOTA_EXCEEDED: 'denied',

  BAD_VERSION: 'conflict',
  NODE_EXISTS: 'conflict',
  NOT_EMPTY: 'conflict',
};

type Row = Readonly<Record<ErrorClass, ErrorAction>>;

const [wait, reattach, retry] = ['wait', 'reattach', 'retry'] as const;
const [nodeGone, refuse, giveUp] = ['nodeGone', 'refuse', 'giveUp'] as const;
const [done, answered, ignore] = ['done', 'answered', 'ignore'] as const;

/** Columns: the classes as above. What a recipe expects (a node that exists, say) it handles itself. */
export const ERROR_ACTIONS: Readonly<Record<ErrorPhase, Row>> = {
  connecting: row(wait, reattach, reattach, reattach, refuse, reattach),
  queueing: row(wait, reattach, retry, refuse, refuse, refuse),
  preparing: row(wait, reattach, ignore, ignore, ignore, ignore),
  // What the leader answers for the state of the tree is an answer.
  rejoining: row(wait, reattach, retry, answered, answered, answered),
  confirming: row(wait, reattach, retry, nodeGone, refuse, refuse),
  // Rights and quotas may be put right while the lease lasts; then it ends the hold.
  resuming: row(wait, reattach, retry, nodeGone, retry, retry),
  holding: row(wait, reattach, retry, nodeGone, retry, retry),
  // No renewal, and no more than that: the lease keeper asks again, and doubts the connection.
  renewing: row(wait, ignore, ignore, nodeGone, ignore, ignore),
  recording: row(wait, reattach, retry, giveUp, giveUp, retry),
  releasing: row(wait, reattach, retry, done, giveUp, giveUp),
  closing: row(wait, reattach, retry, giveUp, giveUp, giveUp),
  watching: row(wait, reattach, retry, refuse, refuse, refuse),
};

/** `code`: of an error that the phase's recipe has not handled itself. */
export function actionOn({ code }: Pick<RequestError, 'code'>, phase: ErrorPhase): ErrorAction {
  return ERROR_ACTIONS[phase][ERROR_CLASSES[code]];
}

/** The request may have been carried out: look before it is made again. */
export function mayHaveHappened({ code }: Pick<RequestError, 'code'>): boolean {
  return ['disconnected', 'suspect'].includes(ERROR_CLASSES[code]);
}

/** So many in a row are asked again before the command has started; then the lock is given up. */
export const MAX_SUSPECT_ANSWERS = 10;

function row(
  disconnected: ErrorAction,
  suspect: ErrorAction,
  throttled: ErrorAction,
  absent: ErrorAction,
  denied: ErrorAction,
  conflict: ErrorAction,
): Row {
  return { disconnected, suspect, throttled, absent, denied, conflict };
}
