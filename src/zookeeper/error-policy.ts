/**
 * The table of reactions to errors of a server, by the phase of a contender. Pure.
 *
 * The facts are from `KeeperException.Code` and the code that sends each error. Two rules: only "no
 * such node" ends a hold immediately; and once the command may be running, no error counts as a
 * refusal: the request is repeated for as long as the lease lasts.
 */
import type { RequestError, RequestErrorCode } from './errors.ts';

/** The effect of an error on the request and its connection. */
export type ErrorClass =
  /** The connection has ended, or is about to; the session reports what follows. */
  | 'disconnected'
  /** The request may have been carried out; another server may work. */
  | 'suspect'
  /**
   * Not carried out, because of load: `RequestThrottler` marks the request, which is then not sent
   * to the leader (`FollowerRequestProcessor`, `CommitProcessor.needCommit`).
   */
  | 'throttled'
  | 'absent'
  /** Not carried out, and useless to repeat: permissions, quotas, configuration. */
  | 'denied'
  /** Not carried out: the node is not in the expected state. */
  | 'conflict';

export type ErrorPhase =
  /** Authenticating, before the session is used. */
  | 'connecting'
  /** Creating our node, and reading the queue or the pool. */
  | 'queueing'
  /** Next in line: reading our node beforehand. */
  | 'preparing'
  /** Queued or granted, reconnected: any answer from the leader counts. */
  | 'rejoining'
  /** Granted: proving the lease, and verifying our node. */
  | 'confirming'
  /** Held, reconnected: verifying our node. */
  | 'resuming'
  /** Held: a watch reported a change of our node. */
  | 'holding'
  /** A request that renews the lease. */
  | 'renewing'
  /** Recording that the command succeeded. */
  | 'recording'
  | 'releasing'
  /** Requesting the end of the session. */
  | 'closing'
  /** `lockex status` and the inspector. */
  | 'watching';

export type ErrorAction =
  /**
   * Do nothing: the session reports the outcome, and the phase starts again on the next connection.
   */
  | 'wait'
  /** Repeat on another connection; after the first time, only after a pause. */
  | 'reattach'
  /** Repeat on the same connection, after a pause. */
  | 'retry'
  /** Our node is gone: another contender may hold the lock. */
  | 'nodeGone'
  /** Give up the lock before the command has started, with the server's reason (125). */
  | 'refuse'
  /** Give up this request and report it; lock and command are not affected. */
  | 'giveUp'
  /** The requested state exists already. */
  | 'done'
  /** Counts as an answer, if it comes from the leader. */
  | 'answered'
  /** Do nothing: a later phase repeats the request. */
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

/**
 * Columns: the classes as above. Expected errors (such as NODE_EXISTS) are handled by the recipes.
 */
export const ERROR_ACTIONS: Readonly<Record<ErrorPhase, Row>> = {
  connecting: row(wait, reattach, reattach, reattach, refuse, reattach),
  queueing: row(wait, reattach, retry, refuse, refuse, refuse),
  preparing: row(wait, reattach, ignore, ignore, ignore, ignore),
  // An error about the state of the tree is an answer.
  rejoining: row(wait, reattach, retry, answered, answered, answered),
  confirming: row(wait, reattach, retry, nodeGone, refuse, refuse),
  // Permissions and quotas may be corrected while the lease lasts; its end ends the hold.
  resuming: row(wait, reattach, retry, nodeGone, retry, retry),
  holding: row(wait, reattach, retry, nodeGone, retry, retry),
  // Renews nothing; no other effect: the lease keeper repeats it and requests another proof.
  renewing: row(wait, ignore, ignore, nodeGone, ignore, ignore),
  recording: row(wait, reattach, retry, giveUp, giveUp, retry),
  releasing: row(wait, reattach, retry, done, giveUp, giveUp),
  closing: row(wait, reattach, retry, giveUp, giveUp, giveUp),
  watching: row(wait, reattach, retry, refuse, refuse, refuse),
};

/** The action for an error that the recipe did not handle itself. */
export function actionOn({ code }: Pick<RequestError, 'code'>, phase: ErrorPhase): ErrorAction {
  return ERROR_ACTIONS[phase][ERROR_CLASSES[code]];
}

/** True if the request may have been carried out: read before repeating it. */
export function mayHaveHappened({ code }: Pick<RequestError, 'code'>): boolean {
  return ['disconnected', 'suspect'].includes(ERROR_CLASSES[code]);
}

/** Maximum of suspect answers in a row before the command has started; then the lock is refused. */
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
