/** How a request or a connection can fail, as values that callers can tell apart. */
import type { HostFailure } from '../../machines/contract.ts';

/** ZooKeeper's error codes (`KeeperException.Code`), and two of our own. */
const CODES = {
  SYSTEM_ERROR: -1,
  CONNECTION_LOSS: -4,
  UNIMPLEMENTED: -6,
  /** Ours as well: the answer did not come in time. */
  TIMEOUT: -7,
  BAD_ARGUMENTS: -8,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  SESSION_EXPIRED: -112,
  INVALID_ACL: -114,
  AUTH_FAILED: -115,
  SESSION_MOVED: -118,
  NOT_READ_ONLY: -119,
  EPHEMERAL_ON_LOCAL_SESSION: -120,
  /** `SESSIONCLOSEDREQUIRESASLAUTH`: a server with `enforce.auth.enabled`. */
  AUTH_REQUIRED: -124,
  QUOTA_EXCEEDED: -125,
  THROTTLED: -127,
} as const;

export type RequestErrorCode = keyof typeof CODES | 'UNKNOWN';

const NAMES = new Map<number, RequestErrorCode>(
  Object.entries(CODES).map(([name, number]) => [number, name as RequestErrorCode]),
);

/** Nothing is known about what became of the request; the session may still live. */
const CONNECTION_TROUBLE: readonly RequestErrorCode[] = [
  'CONNECTION_LOSS',
  'TIMEOUT',
  'SESSION_EXPIRED',
  'SESSION_MOVED',
];

export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: RequestErrorCode;
  /** As the server sent it. */
  readonly number: number;

  /** `what` was asked for; `more` is said behind the words for the code. */
  constructor(number: number, what: string, more = '') {
    const code = NAMES.get(number) ?? 'UNKNOWN';
    super(`${what}: ${code === 'UNKNOWN' ? `error ${number}` : WORDS[code]}${more}`);
    this.code = code;
    this.number = number;
  }

  get isConnectionTrouble(): boolean {
    return CONNECTION_TROUBLE.includes(this.code);
  }
}

const WORDS: Readonly<Record<keyof typeof CODES, string>> = {
  SYSTEM_ERROR: 'the server failed',
  CONNECTION_LOSS: 'the connection was lost',
  UNIMPLEMENTED: 'the server does not know this request',
  TIMEOUT: 'no answer in time',
  BAD_ARGUMENTS: 'the server found the request malformed',
  NO_NODE: 'no such node',
  NO_AUTH: 'no rights (ACL)',
  BAD_VERSION: 'it was changed by somebody else',
  NO_CHILDREN_FOR_EPHEMERALS: 'the parent is an ephemeral node',
  NODE_EXISTS: 'the node exists already',
  NOT_EMPTY: 'the node has children',
  SESSION_EXPIRED: 'the session has expired',
  INVALID_ACL: 'the ACL is not valid',
  AUTH_FAILED: 'the authentication failed',
  SESSION_MOVED: 'the session has moved to another connection',
  NOT_READ_ONLY: 'the server is read-only',
  EPHEMERAL_ON_LOCAL_SESSION: 'local sessions only: see localSessionsUpgradingEnabled',
  AUTH_REQUIRED: 'the server takes nobody without authentication',
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
