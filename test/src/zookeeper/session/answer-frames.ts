/** Frames of a healthy server, one for each type of answer that lockex decodes. */
import {
  createRequest,
  multiRequest,
  requestOf,
} from '../../../../src/zookeeper/session/requests.ts';
import { bytes, framed, int, long, STAT } from '../scripted-server.ts';

type Request = ReturnType<typeof requestOf>;

export interface Exchange {
  readonly name: string;
  /** null: the server sends the frame without a request. */
  readonly request: (() => Request) | null;
  readonly answer: Buffer;
}

/** The first xid of a session. */
export const XID = 1;
export const CHROOT = '/apps';

export const text = (value: string) => bytes(Buffer.from(value));
const NONE = Buffer.alloc(0);
const done = (type: number, isDone: boolean, err: number) =>
  Buffer.concat([int(type), Buffer.from([isDone ? 1 : 0]), int(err)]);
const END = done(-1, true, -1);
const header = (xid: number, err = 0) => Buffer.concat([int(xid), long(7n), int(err)]);
const answer = (...body: readonly Buffer[]) => framed(header(XID), ...body);

const acl = [{ scheme: 'world', id: 'anyone', permissions: 31 }];
const path = '/lock/g__lock__';
const transaction = () =>
  multiRequest(
    [
      { type: 'check', path },
      { type: 'create', path, data: NONE, mode: 1 },
    ],
    acl,
  );
const created = text(`${CHROOT}${path}0000000001`);

export const EXCHANGES: readonly [Exchange, ...Exchange[]] = [
  { name: 'create', request: () => createRequest(path, NONE, 3, acl), answer: answer(created) },
  {
    name: 'delete',
    request: () => requestOf('DELETE', 'DeleteRequest', { path, version: -1 }),
    answer: answer(),
  },
  {
    name: 'exists',
    request: () => requestOf('EXISTS', 'ExistsRequest', { path, watch: true }),
    answer: answer(STAT),
  },
  {
    name: 'getData',
    request: () => requestOf('GET_DATA', 'GetDataRequest', { path, watch: true }),
    answer: answer(text('{"host":"db1"}'), STAT),
  },
  {
    name: 'getData without data',
    request: () => requestOf('GET_DATA', 'GetDataRequest', { path, watch: true }),
    answer: answer(int(-1), STAT),
  },
  {
    name: 'setData',
    request: () => requestOf('SET_DATA', 'SetDataRequest', { path, data: NONE, version: 1 }),
    answer: answer(STAT),
  },
  {
    name: 'getChildren2',
    request: () => requestOf('GET_CHILDREN2', 'GetChildren2Request', { path, watch: true }),
    answer: answer(int(3), text('a__lock__0000000001'), text(''), text('ä'), STAT),
  },
  {
    name: 'multi',
    request: transaction,
    answer: answer(done(13, false, 0), done(1, false, 0), created, END),
  },
  {
    name: 'multi that failed',
    request: transaction,
    answer: answer(done(-1, false, -101), int(-101), done(-1, false, -2), int(-2), END),
  },
  { name: 'closeSession', request: () => requestOf('CLOSE_SESSION', null), answer: answer() },
  {
    name: 'an error',
    request: () => requestOf('EXISTS', 'ExistsRequest', { path, watch: false }),
    answer: framed(header(XID, -101)),
  },
  {
    name: 'an error with a body',
    request: () => createRequest(path, NONE, 3, acl),
    answer: framed(header(XID, -110), created),
  },
  { name: 'ping', request: null, answer: framed(header(-2)) },
  {
    name: 'a watch event',
    request: null,
    answer: framed(header(-1), int(2), int(3), text(`${CHROOT}${path}0000000001`)),
  },
];

/** `ConnectResponse` of a server that supports read-only clients. */
export const HANDSHAKE = framed(
  int(0),
  int(4000),
  long(0x1234n),
  bytes(Buffer.alloc(16, 7)),
  Buffer.from([0]),
);
export const AUTHENTICATED = framed(header(-4));
