/** The errors of requests and connections, as values that callers can distinguish. */
import type { HostFailure } from '../../machines/contract.ts';

/** ZooKeeper's error codes (`KeeperException.Code`, 3.4 to 3.9), except OK. */
const CODES = {
  SYSTEM_ERROR: -1,
  RUNTIME_INCONSISTENCY: -2,
  DATA_INCONSISTENCY: -3,
  /** Also used by lockex: the connection ended before the answer arrived. */
  CONNECTION_LOSS: -4,
  MARSHALLING_ERROR: -5,
  UNIMPLEMENTED: -6,
  /** Also used by lockex: the answer did not arrive in time. */
  TIMEOUT: -7,
  BAD_ARGUMENTS: -8,
  UNKNOWN_SESSION: -12,
  NEW_CONFIG_NO_QUORUM: -13,
  RECONFIG_IN_PROGRESS: -14,
  API_ERROR: -100,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  SESSION_EXPIRED: -112,
  INVALID_CALLBACK: -113,
  INVALID_ACL: -114,
  AUTH_FAILED: -115,
  SESSION_MOVED: -118,
  NOT_READ_ONLY: -119,
  EPHEMERAL_ON_LOCAL_SESSION: -120,
  NO_WATCHER: -121,
  REQUEST_TIMEOUT: -122,
  RECONFIG_DISABLED: -123,
  /** `SESSIONCLOSEDREQUIRESASLAUTH`: a server with `enforce.auth.enabled`. */
  AUTH_REQUIRED: -124,
  QUOTA_EXCEEDED: -125,
  THROTTLED: -127,
} as const;

export type RequestErrorCode = keyof typeof CODES | 'UNKNOWN';

const NAMES = new Map<number, RequestErrorCode>(
  Object.entries(CODES).map(([name, number]) => [number, name as RequestErrorCode]),
);

/** The name of an answer's error code; UNKNOWN for codes of newer servers, and for invalid ones. */
export function errorCodeOf(number: number): RequestErrorCode {
  return NAMES.get(number) ?? 'UNKNOWN';
}

export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: RequestErrorCode;
  /** As the server sent it. */
  readonly number: number;
  /**
   * True for the error of a failed transaction that a quorum has committed (`PrepRequestProcessor`,
   * multi), so it comes from the leader. Any other error may come from the attached server alone.
   */
  readonly isCommitted: boolean;

  /** The message is `subject: <code>more`; `subject`: usually a path. */
  constructor(number: number, subject: string, more = '', isCommitted = false) {
    const code = errorCodeOf(number);
    super(`${subject}: ${code === 'UNKNOWN' ? `error ${number}` : MESSAGES[code]}${more}`);
    this.code = code;
    this.number = number;
    this.isCommitted = isCommitted;
  }
}

const MESSAGES: Readonly<Record<keyof typeof CODES, string>> = {
  SYSTEM_ERROR: 'the server failed',
  RUNTIME_INCONSISTENCY: 'the transaction was not carried out',
  DATA_INCONSISTENCY: 'the server found its data inconsistent',
  CONNECTION_LOSS: 'the connection was lost',
  MARSHALLING_ERROR: 'the server could not process the request (MARSHALLINGERROR)',
  UNIMPLEMENTED: 'the server does not know this request',
  TIMEOUT: 'request timed out',
  BAD_ARGUMENTS: 'the server rejected the request as malformed',
  UNKNOWN_SESSION: 'the server does not know the session',
  NEW_CONFIG_NO_QUORUM: 'the new configuration has no quorum',
  RECONFIG_IN_PROGRESS: 'the ensemble is being reconfigured',
  API_ERROR: 'the server refused the request (APIERROR)',
  NO_NODE: 'no such node',
  NO_AUTH: 'no rights (ACL)',
  BAD_VERSION: 'changed by another client',
  NO_CHILDREN_FOR_EPHEMERALS: 'the parent is an ephemeral node',
  NODE_EXISTS: 'the node exists already',
  NOT_EMPTY: 'the node has children',
  SESSION_EXPIRED: 'the session has expired',
  INVALID_CALLBACK: 'the server refused the request (INVALIDCALLBACK)',
  INVALID_ACL: 'invalid ACL',
  AUTH_FAILED: 'authentication failed',
  SESSION_MOVED: 'the session has moved to another connection',
  NOT_READ_ONLY: 'the server is read-only',
  EPHEMERAL_ON_LOCAL_SESSION: 'local sessions only (see localSessionsUpgradingEnabled)',
  NO_WATCHER: 'no such watch',
  REQUEST_TIMEOUT: 'request timed out at the server',
  RECONFIG_DISABLED: 'reconfiguration is disabled',
  AUTH_REQUIRED: 'the server requires authentication',
  QUOTA_EXCEEDED: 'a quota is exceeded',
  THROTTLED: 'the server is throttling requests',
};

export function requestError(code: keyof typeof CODES, subject: string): RequestError {
  return new RequestError(CODES[code], subject);
}

export function isRequestError(error: unknown): error is RequestError {
  return error instanceof RequestError;
}

/**
 * No server accepted the session. `failures`: every host, with the reason why it could not be used.
 */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  readonly failures: readonly HostFailure[];

  constructor(failures: readonly HostFailure[]) {
    super('no ZooKeeper server could be reached');
    this.failures = failures;
  }
}
