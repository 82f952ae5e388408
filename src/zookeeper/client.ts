/**
 * The interface between a ZooKeeper session and its users (recipes, lease, own node), independent
 * of connections. Types, and one helper.
 */
import { isRequestError } from './errors.ts';

/** `org.apache.zookeeper.CreateMode` */
export const CreateMode = {
  PERSISTENT: 0,
  EPHEMERAL: 1,
  EPHEMERAL_SEQUENTIAL: 3,
} as const;
export type CreateMode = (typeof CreateMode)[keyof typeof CreateMode];

/** `org.apache.zookeeper.data.Stat`; times are the leader's wall clock, in milliseconds. */
export interface Stat {
  /** zxid of the creation; increases over the lifetime of the ensemble. */
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  /** Id of the session that owns the node; 0 for a persistent node. */
  readonly ephemeralOwner: bigint;
  readonly numChildren: number;
}

export interface NodeRead {
  readonly data: Buffer | undefined;
  readonly stat: Stat;
}

/** One operation of a transaction (`multi`). */
export type Operation =
  | { readonly type: 'check'; readonly path: string; readonly version?: number }
  | {
      readonly type: 'create';
      readonly path: string;
      readonly data: Buffer;
      readonly mode: CreateMode;
    };

/** A watch fired: the node was deleted, or it changed in any other way. */
export type OnChange = (change: 'deleted' | 'changed') => void;

/** A leader-confirmed request that was answered with OK. */
export interface Confirmation {
  /** Number of the attachment on which it was sent and answered. */
  readonly attachment: number;
  /** Read right before the request was written; milliseconds of `src/util/clock.ts`. */
  readonly sentAt: number;
  readonly answeredAt: number;
  /**
   * The order of requests and answers, for which a clock with steps of 10 ms is not enough: each
   * request written and each answer read in the session gets the next number.
   */
  readonly order: { readonly sent: number; readonly answered: number };
}

/** The facts about an answered handshake that the lease needs. */
export interface AnsweredHandshake {
  /** From 1, greater with each attachment of the session. */
  readonly number: number;
  readonly handshakeSentAt: number;
  /** The session timeout T that the server granted; milliseconds. */
  readonly timeoutMs: number;
}

/** A connection on which the session is attached: a server has answered its handshake. */
export interface Attachment extends AnsweredHandshake {
  /** host:port */
  readonly server: string;
}

/**
 * The part of a session that recipes and the lease use. Every request rejects with RequestError.
 */
export interface LockSession {
  readonly isAttached: boolean;
  create(
    path: string,
    data: Buffer,
    options: { readonly mode: CreateMode },
  ): Promise<{ readonly path: string; readonly czxid: bigint }>;
  /** Creates the node and its parents, persistent and empty, if they are missing. */
  mkdirp(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  setData(path: string, data: Buffer, version: number): Promise<Stat>;
  /**
   * A watch is called at most once; never after its connection has ended, and never from within a
   * request.
   */
  exists(path: string, onChange?: OnChange): Promise<Stat | null>;
  getData(path: string, onChange?: OnChange): Promise<NodeRead>;
  getChildren(path: string, onChange?: OnChange): Promise<string[]>;
  /**
   * Leader-confirmed existence of a node: a transaction goes to the leader and is committed by a
   * quorum in every version, also when it fails (`PrepRequestProcessor`, `CommitProcessor`). A
   * transaction that only checks changes nothing and triggers no watch.
   */
  check(path: string): Promise<Confirmation>;
  /** All or nothing; rejects with the error of the operation that failed. */
  multi(operations: readonly Operation[]): Promise<void>;
}

/** The part of a session that `OwnNode` uses. */
export interface OwnerSession extends Pick<LockSession, 'check' | 'exists'> {
  /** The same format as a node's `ephemeralOwner`. */
  readonly id: bigint;
  readonly attached: Attachment | null;
}

/** Resolves to null if the node does not exist. */
export async function ignoringNoNode<T>(request: Promise<T>): Promise<T | null> {
  try {
    return await request;
  } catch (error) {
    if (isRequestError(error) && error.code === 'NO_NODE') return null;
    throw error;
  }
}

/**
 * Existence of a node whose ACL may deny reading it. Servers of 3.8.4, 3.9.2 and later require the
 * READ permission for `exists` (ZOOKEEPER-2590, `FinalRequestProcessor`); they check it only where
 * the node exists, so that a denial proves its existence. null: it does not exist.
 */
export async function statUnlessDenied(
  session: Pick<LockSession, 'exists'>,
  path: string,
): Promise<Stat | 'denied' | null> {
  try {
    return await session.exists(path);
  } catch (error) {
    if (isRequestError(error) && error.code === 'NO_AUTH') return 'denied';
    throw error;
  }
}
