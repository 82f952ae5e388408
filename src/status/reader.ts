/** Reads locks from ZooKeeper, and makes nothing there. Rejects with RequestError. */
import { reservedEnding } from '../settings/reserved-names.ts';
import { ignoringNoNode, type LockSession, type NodeRead } from '../zookeeper/client.ts';
import { isRequestError, requestError } from '../zookeeper/errors.ts';
import { innerLockPath } from '../zookeeper/recipes/semaphore.ts';
import { type ChildNode, freeLock, type LockView, viewOf } from './view.ts';

/** How nodes are read: by a session, or by something that watches what can change. */
export interface Reading {
  /** Of a contender: never written again. */
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

/** One whose data we may not read is there all the same: that can be seen by everybody. */
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

/** Ids of all locks below a path, in order. */
export async function readLockIds(reading: Reading, lockPath: string): Promise<string[]> {
  return lockIdsAmong((await ignoringNoNode(reading.changingChildren(lockPath))) ?? []);
}

export function lockIdsAmong(names: readonly string[]): string[] {
  return names.filter((name) => reservedEnding(name) === null).sort();
}

/** A lock that is not there is a free one. */
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

/** Children that went meanwhile are left out. */
async function readChildren(reading: Reading, path: string): Promise<ChildNode[]> {
  const names = (await ignoringNoNode(reading.changingChildren(path))) ?? [];
  const read = await Promise.all(
    names.map(async (name): Promise<ChildNode | null> => {
      const found = await ignoringNoNode(reading.data(`${path}/${name}`));
      if (found === null) return null;
      return { name, data: found.data, ctime: found.stat.ctime, czxid: found.stat.czxid };
    }),
  );
  return read.filter((child) => child !== null);
}
