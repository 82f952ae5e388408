/**
 * When the command of a lock last succeeded, by ZooKeeper's time alone: the data of a node beside the
 * lock says who, and its time of change when. Hosts' clocks play no part: what is "now" is asked of
 * the leader, which stamps every change (`PrepRequestProcessor`; Stat.mtime).
 */

import type { LastRun } from '../../../machines/contract.ts';
import { RUN_RECORD } from '../../settings/reserved-names.ts';
import { isRequestError } from '../errors.ts';
import { CreateMode, ignoringNoNode, type LockSession } from '../session/requests.ts';
import { labelOf } from './node-data.ts';

/** Where the success of a lock's command is written down. */
export function runRecordPath(lock: string): string {
  return lock + RUN_RECORD;
}

export interface RunRecordOptions {
  readonly path: string;
  /** Of our contender's node: who we are. */
  readonly data: Buffer;
}

/** `ownNode`: held by us, and changed for it. Rejects with RequestError. */
export async function readLastRun(
  session: LockSession,
  { path, data }: RunRecordOptions,
  ownNode: string,
): Promise<LastRun | null> {
  const [now, record] = await Promise.all([
    session.setData(ownNode, data, -1),
    ignoringNoNode(session.getData(path)),
  ]);
  if (record === null) return null;
  return { agoMs: now.mtime - record.stat.mtime, label: labelOf(record.data) };
}

/** May be called again: the last time counts. Rejects with RequestError. */
export async function recordRun(
  session: LockSession,
  { path, data }: RunRecordOptions,
): Promise<void> {
  const changed = await ignoringNoNode(session.setData(path, data, -1));
  if (changed !== null) return;
  try {
    await session.create(path, data, { mode: CreateMode.PERSISTENT });
  } catch (error) {
    // Made by a request of ours whose answer was lost.
    if (!isRequestError(error) || error.code !== 'NODE_EXISTS') throw error;
  }
}
