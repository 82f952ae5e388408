/** Reads locks from ZooKeeper and creates nothing there. Rejects with RequestError. */
import { reservedEnding } from '../settings/reserved-names.ts';
import {
  ignoringNoNode,
  type LockSession,
  type NodeRead,
  type Stat,
  statUnlessDenied,
} from '../zookeeper/client.ts';
import { isRequestError, requestError } from '../zookeeper/errors.ts';
import { innerLockPath } from '../zookeeper/recipes/semaphore.ts';
import { type ChildNode, freeLock, type LockView, viewOf } from './view.ts';

/**
 * How nodes are read: without watches (readingOf), or with watches on changing data (watcher.ts).
 */
export interface Reading {
  /** Data of a contender's node, which never changes. */
  readonly data: (path: string) => Promise<ContenderRead>;
  readonly changingData: (path: string) => Promise<NodeRead>;
  readonly changingChildren: (path: string) => Promise<string[]>;
}

export interface ContenderRead {
  /** undefined if the ACL denies reading it. */
  readonly data: Buffer | undefined;
  /** null if the ACL denies that as well: on servers of 3.8.4, 3.9.2 and later. */
  readonly stat: Stat | null;
}

export function readingOf(session: LockSession): Reading {
  return {
    data: (path) => readContender(session, path),
    changingData: (path) => session.getData(path),
    changingChildren: (path) => session.getChildren(path),
  };
}

/** A contender's node, as far as its ACL allows reading it. */
export async function readContender(session: LockSession, path: string): Promise<ContenderRead> {
  try {
    return await session.getData(path);
  } catch (error) {
    if (!isRequestError(error) || error.code !== 'NO_AUTH') throw error;
    const stat = await statUnlessDenied(session, path);
    if (stat === null) throw requestError('NO_NODE', path);
    return { data: undefined, stat: stat === 'denied' ? null : stat };
  }
}

/** The ids of all locks below a path, sorted. */
export async function readLockIds(reading: Reading, lockPath: string): Promise<string[]> {
  return lockIdsAmong((await ignoringNoNode(reading.changingChildren(lockPath))) ?? []);
}

export function lockIdsAmong(names: readonly string[]): string[] {
  return names.filter((name) => reservedEnding(name) === null).sort();
}

/** A lock without a node is free. */
export async function readLock(reading: Reading, lockPath: string, id: string): Promise<LockView> {
  const path = `${lockPath}/${id}`;
  const [node, children, queue] = await Promise.all([
    ignoringNoNode(reading.changingData(path)),
    readChildren(reading, path),
    readChildren(reading, innerLockPath(path)),
  ]);
  if (node === null) return freeLock(id, path);
  return viewOf(id, path, { data: node.data, children, queue });
}

/** Leaves out children that are deleted meanwhile. */
async function readChildren(reading: Reading, path: string): Promise<ChildNode[]> {
  const names = (await ignoringNoNode(reading.changingChildren(path))) ?? [];
  const read = await Promise.all(
    names.map(async (name): Promise<ChildNode | null> => {
      const node = await ignoringNoNode(reading.data(`${path}/${name}`));
      if (node === null) return null;
      const { data, stat } = node;
      return { name, data, ctime: stat?.ctime ?? null, czxid: stat?.czxid ?? null };
    }),
  );
  return read.filter((child) => child !== null);
}
