/** How a request or a connection can fail, as values that callers can tell apart. */
import type { HostFailure } from '../../machines/contract.ts';

/** ZooKeeper's error codes (`KeeperException.Code`, 3.4 to 3.9), except OK. */
const CODES = {
  SYSTEM_ERROR: -1,
  RUNTIME_INCONSISTENCY: -2,
  DATA_INCONSISTENCY: -3,
  /** Ours as well: the connection ended before the answer came. */
  CONNECTION_LOSS: -4,
  MARSHALLING_ERROR: -5,
  UNIMPLEMENTED: -6,
  /** Ours as well: the answer did not come in time. */
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

/** What the code of an answer stands for; UNKNOWN for codes of newer servers, and for nonsense. */
export function errorCodeOf(number: number): RequestErrorCode {
  return NAMES.get(number) ?? 'UNKNOWN';
}

export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: RequestErrorCode;
  /** As the server sent it. */
  readonly number: number;
  /**
   * The leader's word: the result of a transaction that failed, and was committed by a quorum as such
   * (`PrepRequestProcessor`, multi). Any other error may come from the server that we are attached to.
   */
  readonly isCommitted: boolean;

  /** `what` was asked for; `more` is said behind the words for the code. */
  constructor(number: number, what: string, more = '', isCommitted = false) {
    const code = errorCodeOf(number);
    super(`${what}: ${code === 'UNKNOWN' ? `error ${number}` : WORDS[code]}${more}`);
    this.code = code;
    this.number = number;
    this.isCommitted = isCommitted;
  }
}

const WORDS: Readonly<Record<keyof typeof CODES, string>> = {
  SYSTEM_ERROR: 'the server failed',
  RUNTIME_INCONSISTENCY: 'the transaction was not carried out',
  DATA_INCONSISTENCY: 'the server found its data inconsistent',
  CONNECTION_LOSS: 'the connection was lost',
  MARSHALLING_ERROR: 'the server could not process the request (MARSHALLINGERROR)',
  UNIMPLEMENTED: 'the server does not know this request',
  TIMEOUT: 'no answer in time',
  BAD_ARGUMENTS: 'the server found the request malformed',
  UNKNOWN_SESSION: 'the server does not know the session',
  NEW_CONFIG_NO_QUORUM: 'the new configuration has no quorum',
  RECONFIG_IN_PROGRESS: 'the ensemble is being reconfigured',
  API_ERROR: 'the server refused the request (APIERROR)',
  NO_NODE: 'no such node',
  NO_AUTH: 'no rights (ACL)',
  BAD_VERSION: 'it was changed by somebody else',
  NO_CHILDREN_FOR_EPHEMERALS: 'the parent is an ephemeral node',
  NODE_EXISTS: 'the node exists already',
  NOT_EMPTY: 'the node has children',
  SESSION_EXPIRED: 'the session has expired',
  INVALID_CALLBACK: 'the server refused the request (INVALIDCALLBACK)',
  INVALID_ACL: 'the ACL is not valid',
  AUTH_FAILED: 'the authentication failed',
  SESSION_MOVED: 'the session has moved to another connection',
  NOT_READ_ONLY: 'the server is read-only',
  EPHEMERAL_ON_LOCAL_SESSION: 'local sessions only: see localSessionsUpgradingEnabled',
  NO_WATCHER: 'no such watch',
  REQUEST_TIMEOUT: 'the request timed out at the server',
  RECONFIG_DISABLED: 'reconfiguration is disabled',
  AUTH_REQUIRED: 'the server requires authentication',
  QUOTA_EXCEEDED: 'a quota is exceeded',
  THROTTLED: 'the server is throttling requests',
};

export function requestError(code: keyof typeof CODES, what: string): RequestError {
  return new RequestError(CODES[code], what);
}

export function isRequestError(error: unknown): error is RequestError {
  return error instanceof RequestError;
}

/** No session could be made: every host that was tried, and what was wrong with it last. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  readonly failures: readonly HostFailure[];

  constructor(failures: readonly HostFailure[]) {
    super('no ZooKeeper server could be reached');
    this.failures = failures;
  }
}
