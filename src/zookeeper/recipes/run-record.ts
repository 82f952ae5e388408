/**
 * Records when the command of a lock last succeeded (`--once-per`), by ZooKeeper's clock alone, in
 * a node beside the lock: its data describes the contender, and its mtime is the time of success.
 * The hosts' clocks are not used: "now" is the leader's time stamp of our own change
 * (`PrepRequestProcessor`; Stat.mtime).
 */
import type { LastRun } from '../../../machines/contract.ts';
import { RUN_RECORD } from '../../settings/reserved-names.ts';
import { CreateMode, ignoringNoNode, type LockSession } from '../client.ts';
import { isRequestError } from '../errors.ts';
import { labelOf } from './node-data.ts';

/** The node that records the successful runs of a lock's command. */
export function runRecordPath(lock: string): string {
  return lock + RUN_RECORD;
}

export interface RunRecordOptions {
  readonly path: string;
  /** The same data as that of our contender node. */
  readonly data: Buffer;
}

/** `ownNode`: our contender node; it is written to get the time. Rejects with RequestError. */
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

/** Idempotent: the last call counts. Rejects with RequestError. */
export async function recordRun(
  session: LockSession,
  { path, data }: RunRecordOptions,
): Promise<void> {
  const changed = await ignoringNoNode(session.setData(path, data, -1));
  if (changed !== null) return;
  try {
    await session.create(path, data, { mode: CreateMode.PERSISTENT });
  } catch (error) {
    // Created by an earlier request, whose answer was lost.
    if (!isRequestError(error) || error.code !== 'NODE_EXISTS') throw error;
  }
}
