/** Answers to clients, encoded: `ReplyHeader` and the response records of zookeeper.jute. */
import { NO_SESSION, Op, type SessionId, SYNC_CONNECTED, Xid } from './codes.ts';
import { JuteOutput } from './jute.ts';
import type { Acl } from './requests.ts';

/** `org.apache.zookeeper.data.Stat` */
export interface Stat {
  readonly czxid: number;
  readonly mzxid: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly owner: SessionId;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: number;
}

export type AnswerBody =
  | { readonly kind: 'empty' }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'path and stat'; readonly path: string; readonly stat: Stat }
  | { readonly kind: 'stat'; readonly stat: Stat }
  | { readonly kind: 'data'; readonly data: Buffer | null; readonly stat: Stat }
  | { readonly kind: 'children'; readonly names: readonly string[]; readonly stat: Stat | null }
  | { readonly kind: 'acl'; readonly acl: readonly Acl[]; readonly stat: Stat }
  | { readonly kind: 'multi'; readonly results: readonly MultiResult[] };

/** `OpResult`; an error has the type -1. */
export interface MultiResult {
  readonly op: number;
  readonly err: number;
  readonly path?: string | undefined;
  readonly stat?: Stat | undefined;
}

export interface AnswerHeader {
  readonly xid: number;
  readonly zxid: number;
  readonly err: number;
}

export const EMPTY: AnswerBody = { kind: 'empty' };

const output = new JuteOutput();

/** `body` null: a header alone. */
export function encodeAnswer({ xid, zxid, err }: AnswerHeader, body: AnswerBody | null): Buffer {
  output.begin().int(xid).long(zxid).int(err);
  if (body !== null) writeBody(body);
  return output.finish();
}

/**
 * `ConnectResponse`. A session that is not valid has a timeout of 0, no id and a password of zeros.
 */
export function encodeConnectAnswer(session: {
  readonly timeoutMs: number;
  readonly id: SessionId;
  readonly password: Buffer;
}): Buffer {
  output.begin().int(0).int(session.timeoutMs).sessionId(session.id).buffer(session.password);
  // readOnly
  return output.boolean(false).finish();
}

export const REFUSED_SESSION = { timeoutMs: 0, id: NO_SESSION, password: Buffer.alloc(16) };

/** `WatcherEvent` */
export function encodeWatchEvent(type: number, path: string, zxid: number): Buffer {
  output.begin().int(Xid.notification).long(zxid).int(0);
  return output.int(type).int(SYNC_CONNECTED).text(path).finish();
}

function writeBody(body: AnswerBody): void {
  switch (body.kind) {
    case 'empty':
      return;
    case 'path':
      output.text(body.path);
      return;
    case 'path and stat':
      output.text(body.path);
      return writeStat(body.stat);
    case 'stat':
      return writeStat(body.stat);
    case 'data':
      output.buffer(body.data);
      return writeStat(body.stat);
    case 'children':
      output.list(body.names, (name) => output.text(name));
      if (body.stat !== null) writeStat(body.stat);
      return;
    case 'acl':
      output.list(body.acl, ({ permissions, scheme, id }) =>
        output.int(permissions).text(scheme).text(id),
      );
      return writeStat(body.stat);
    case 'multi':
      for (const result of body.results) writeResult(result);
      output.int(-1).boolean(true).int(-1);
      return;
  }
}

/** `MultiResponse.serialize` */
function writeResult({ op, err, path, stat }: MultiResult): void {
  output
    .int(op)
    .boolean(false)
    .int(op === Op.error ? err : 0);
  if (op === Op.error) output.int(err);
  if (path !== undefined) output.text(path);
  if (stat !== undefined) writeStat(stat);
}

function writeStat(stat: Stat): void {
  output.long(stat.czxid).long(stat.mzxid).long(stat.ctime).long(stat.mtime);
  output.int(stat.version).int(stat.cversion).int(stat.aversion).sessionId(stat.owner);
  output.int(stat.dataLength).int(stat.numChildren).long(stat.pzxid);
}
