/** Bodies of requests as lockex and the tests send them (zookeeper.jute). */
import { Op } from '../ensemble/wire/codes.ts';
import { JuteOutput } from '../ensemble/wire/jute.ts';
import type { Acl } from '../ensemble/wire/requests.ts';

export const OPEN: readonly Acl[] = [{ permissions: 31, scheme: 'world', id: 'anyone' }];

/** `CreateMode` */
export const Mode = { persistent: 0, ephemeral: 1, sequential: 2, ephemeralSequential: 3 } as const;

export interface CreateFields {
  readonly data?: string | null;
  readonly mode?: number;
  readonly acl?: readonly Acl[];
}

export type Operation =
  | ({ readonly op: 1 | 15; readonly path: string } & CreateFields)
  | { readonly op: 2 | 13; readonly path: string; readonly version?: number }
  | { readonly op: 5; readonly path: string; readonly data: string; readonly version?: number };

const output = new JuteOutput();

/** Without the length in front. */
function body(write: () => void): Buffer {
  output.begin();
  write();
  return output.finish().subarray(4);
}

export function createBody(path: string, fields: CreateFields = {}): Buffer {
  return body(() => writeOperation({ op: 1, path, ...fields }));
}

export function versionedBody(path: string, version = -1): Buffer {
  return body(() => output.text(path).int(version));
}

export function setDataBody(path: string, data: string, version = -1): Buffer {
  return body(() => writeOperation({ op: 5, path, data, version }));
}

export function readBody(path: string, watch = false): Buffer {
  return body(() => output.text(path).boolean(watch));
}

export function pathBody(path: string): Buffer {
  return body(() => output.text(path));
}

export function setAclBody(path: string, acl: readonly Acl[], version = -1): Buffer {
  return body(() => {
    output.text(path);
    writeAcl(acl);
    output.int(version);
  });
}

export function authBody(scheme: string, auth: string): Buffer {
  return body(() => output.int(0).text(scheme).buffer(Buffer.from(auth)));
}

export function multiBody(operations: readonly Operation[]): Buffer {
  return body(() => {
    for (const operation of operations) {
      output.int(operation.op).boolean(false).int(-1);
      writeOperation(operation);
    }
    output.int(-1).boolean(true).int(-1);
  });
}

export function setWatchesBody(
  relativeZxid: number,
  paths: {
    readonly data?: readonly string[];
    readonly exist?: readonly string[];
    readonly children?: readonly string[];
  },
): Buffer {
  return body(() => {
    output.long(relativeZxid);
    for (const list of [paths.data ?? [], paths.exist ?? [], paths.children ?? []]) {
      output.list(list, (path) => output.text(path));
    }
  });
}

function writeOperation(operation: Operation): void {
  output.text(operation.path);
  switch (operation.op) {
    case Op.create:
    case Op.create2: {
      const { data = '', acl = OPEN, mode = Mode.persistent } = operation;
      output.buffer(data === null ? null : Buffer.from(data));
      writeAcl(acl);
      output.int(mode);
      return;
    }
    case Op.setData:
      output.buffer(Buffer.from(operation.data)).int(operation.version ?? -1);
      return;
    case Op.delete:
    case Op.check:
      output.int(operation.version ?? -1);
      return;
  }
}

function writeAcl(acl: readonly Acl[]): void {
  output.list(acl, ({ permissions, scheme, id }) => output.int(permissions).text(scheme).text(id));
}
