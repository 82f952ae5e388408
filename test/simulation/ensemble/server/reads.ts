/** Requests that one server answers alone, from its own tree (`FinalRequestProcessor`). */

import { statOf } from '../tree/data-node.ts';
import type { DataTree } from '../tree/data-tree.ts';
import type { Database } from '../tree/database.ts';
import { checkAcl } from '../tree/permissions.ts';
import type { VersionTraits } from '../version.ts';
import type { AnswerBody } from '../wire/answers.ts';
import { EMPTY } from '../wire/answers.ts';
import { Code, EventType, KeeperFault, Op, Permission } from '../wire/codes.ts';
import { decodeRead, decodeSetWatches, type ReadRequest } from '../wire/requests.ts';
import type { ClientConnection } from './client-connection.ts';
import type { ServerRequest } from './request.ts';

/** @throws KeeperFault, RangeError */
export function answerRead(
  request: ServerRequest,
  { tree }: Database,
  traits: VersionTraits,
): AnswerBody {
  const { op, body, connection } = request;
  if (connection === null) throw new Error('a read has a connection');
  switch (op) {
    case Op.exists:
      return exists(tree, decodeRead(body), connection, traits);
    case Op.getData: {
      const { path, watch } = decodeRead(body);
      const node = readable(tree, path, request);
      if (watch) tree.watches.watchData(path, connection);
      return { kind: 'data', data: node.data, stat: statOf(node) };
    }
    case Op.getChildren:
    case Op.getChildren2: {
      const { path, watch } = decodeRead(body);
      const node = readable(tree, path, request);
      if (watch) tree.watches.watchChildren(path, connection);
      const stat = op === Op.getChildren2 ? statOf(node) : null;
      return { kind: 'children', names: [...node.children], stat };
    }
    case Op.getAcl: {
      const node = tree.existing(decodeRead(body).path);
      checkAcl(node.acl, Permission.read | Permission.admin, request.ids);
      return { kind: 'acl', acl: node.acl, stat: statOf(node) };
    }
    case Op.sync:
      return { kind: 'path', path: decodeRead(body).path };
    case Op.setWatches:
      setWatches(tree, request.body, connection);
      return EMPTY;
    default:
      throw new KeeperFault(Code.unimplemented);
  }
}

/** The watch is set also where there is no node (`DataTree.statNode`). */
function exists(
  tree: DataTree,
  { path, watch }: ReadRequest,
  connection: ClientConnection,
  { existsNeedsPermission }: VersionTraits,
): AnswerBody {
  if (path.includes('\0')) throw new KeeperFault(Code.badArguments);
  const node = tree.node(path);
  if (node !== undefined && existsNeedsPermission) {
    checkAcl(node.acl, Permission.read, connection.ids);
  }
  if (watch) tree.watches.watchData(path, connection);
  if (node === undefined) throw new KeeperFault(Code.noNode);
  return { kind: 'stat', stat: statOf(node) };
}

function readable(tree: DataTree, path: string, { ids }: ServerRequest) {
  const node = tree.existing(path);
  checkAcl(node.acl, Permission.read, ids);
  return node;
}

/** `DataTree.setWatches`: what changed since the client's zxid is reported at once. */
function setWatches(tree: DataTree, body: Buffer, connection: ClientConnection): void {
  const { relativeZxid, data, exist, children } = decodeSetWatches(body);
  const report = (type: number, path: string) => connection.onEvent(type, path, -1, []);
  for (const path of data) {
    const node = tree.node(path);
    if (node === undefined) report(EventType.deleted, path);
    else if (node.stat.mzxid > relativeZxid) report(EventType.dataChanged, path);
    else tree.watches.watchData(path, connection);
  }
  for (const path of exist) {
    if (tree.node(path) !== undefined) report(EventType.created, path);
    else tree.watches.watchData(path, connection);
  }
  for (const path of children) {
    const node = tree.node(path);
    if (node === undefined) report(EventType.deleted, path);
    else if (node.stat.pzxid > relativeZxid) report(EventType.childrenChanged, path);
    else tree.watches.watchChildren(path, connection);
  }
}
