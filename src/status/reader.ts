/** Reads locks from ZooKeeper and creates nothing there. Rejects with RequestError. */
import { reservedEnding } from '../settings/reserved-names.ts';
import { ignoringNoNode, type LockSession, type NodeRead } from '../zookeeper/client.ts';
import { isRequestError, requestError } from '../zookeeper/errors.ts';
import { innerLockPath } from '../zookeeper/recipes/semaphore.ts';
import { type ChildNode, freeLock, type LockView, viewOf } from './view.ts';

/**
 * How nodes are read: without watches (readingOf), or with watches on changing data (watcher.ts).
 */
export interface Reading {
  /** Data of a contender's node, which never changes. */
  readonly data: (path: string) => Promise<NodeRead>;
  readonly changingData: (path: string) => Promise<NodeRead>;
  readonly changingChildren: (path: string) => Promise<string[]>;
}

export function readingOf(session: LockSession): Reading {
  return {
    data: (path) => readContender(session, path),
    changingData: (path) => session.getData(path),
    changingChildren: (path) => session.getChildren(path),
  };
}

/**
 * A contender's node. Its data is undefined if the ACL denies reading it; `exists` needs no
 * permission at the servers that do not check READ for it (ZooKeeper's `FinalRequestProcessor`,
 * `OpCode.exists`).
 */
export async function readContender(session: LockSession, path: string): Promise<NodeRead> {
  try {
    return await session.getData(path);
  } catch (error) {
    if (!isRequestError(error) || error.code !== 'NO_AUTH') throw error;
    const stat = await session.exists(path);
    if (stat === null) throw requestError('NO_NODE', path);
    return { data: undefined, stat };
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
      return { name, data: node.data, ctime: node.stat.ctime, czxid: node.stat.czxid };
    }),
  );
  return read.filter((child) => child !== null);
}
