/** One node (`DataNode`): its data, its `StatPersisted`, the names of its children. */

import type { Stat } from '../wire/answers.ts';
import { NO_SESSION, type SessionId } from '../wire/codes.ts';
import type { Acl } from '../wire/requests.ts';

export interface NodeStat {
  readonly czxid: number;
  readonly ctime: number;
  readonly owner: SessionId;
  mzxid: number;
  mtime: number;
  version: number;
  /** Number of children that were created; 32 bits. */
  cversion: number;
  aversion: number;
  pzxid: number;
}

export interface DataNode {
  data: Buffer | null;
  acl: readonly Acl[];
  readonly stat: NodeStat;
  readonly children: Set<string>;
}

/** `DataTree.createStat` */
export function newStat(zxid: number, time: number, owner: SessionId = NO_SESSION): NodeStat {
  return {
    ...{ czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: time, mtime: time, owner },
    ...{ version: 0, cversion: 0, aversion: 0 },
  };
}

export function copyOf({ data, acl, stat, children }: DataNode): DataNode {
  return { data, acl, stat: { ...stat }, children: new Set(children) };
}

/** `DataNode.copyStat`: clients see the number of children that were created and deleted. */
export function statOf({ data, stat, children }: DataNode): Stat {
  return {
    ...stat,
    cversion: (2 * stat.cversion - children.size) | 0,
    dataLength: data?.length ?? 0,
    numChildren: children.size,
  };
}
