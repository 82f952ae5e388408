/**
 * ZooKeeper's requests as methods. Its subclass, the session, sends them and bounds the wait for
 * their answers.
 */
import { EventEmitter } from 'node:events';
import type { Request } from 'node-zookeeper-client/lib/jute/index.js';
import { type Access, AUTH_VARIABLE } from '../../settings/access.ts';
import {
  type Confirmation,
  CreateMode,
  type LockSession,
  type NodeRead,
  type OnChange,
  type Operation,
  type Stat,
  statUnlessDenied,
} from '../client.ts';
import { ERROR_CLASSES } from '../error-policy.ts';
import { isRequestError, RequestError, requestError } from '../errors.ts';
import type { AnswerBody } from './decode.ts';
import type { Answer } from './exchange.ts';
import { childNames, createdPath } from './node-names.ts';
import { createRequest, multiFailure, multiRequest, requestOf, statOf } from './requests.ts';
import type { Watch } from './watches.ts';

type RequesterOptions = Pick<Access, 'chroot' | 'acl' | 'auth'>;

export abstract class Requester<Events extends Record<keyof Events, unknown[]>>
  extends EventEmitter<Events>
  implements LockSession
{
  readonly #options: RequesterOptions;

  constructor(options: RequesterOptions) {
    super();
    this.#options = options;
  }

  abstract get isAttached(): boolean;

  /** Rejects with RequestError; `path` is for its message. */
  protected abstract ask(request: Request, path: string, watch?: Watch): Promise<Answer>;

  /** The same error, with the path in its message. */
  protected withPath({ code, number, isCommitted }: RequestError, path: string): RequestError {
    if (code !== 'NO_AUTH') return new RequestError(number, path, '', isCommitted);
    const { auth } = this.#options;
    // Digest authentication accepts any password: a wrong one results in another identity.
    const source = auth?.kind === 'file' ? auth.path : AUTH_VARIABLE;
    const more =
      auth === null ? ' (no --auth-file was given)' : ` for the user and password in ${source}`;
    return new RequestError(number, path, more, isCommitted);
  }

  async create(path: string, data: Buffer, { mode }: { readonly mode: CreateMode }) {
    const request = createRequest(path, data, mode, this.#options.acl);
    // Errors concern the parent.
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    const { header, body } = await this.ask(request, parent);
    return {
      path: createdPath(path, bodyOf(body, 'created').path, mode),
      // The answer's zxid is that of the transaction that created the node.
      czxid: header.zxid.readBigInt64BE(),
    };
  }

  async mkdirp(path: string): Promise<void> {
    let made = '';
    let forbidden: RequestError | null = null;
    for (const name of path.split('/').filter((part) => part !== '')) {
      made += `/${name}`;
      const error: RequestError | null = await this.#make(made);
      if (error?.code === 'NO_NODE') throw this.#noParent(forbidden ?? error);
      // The creation of an existing node may be refused with NO_AUTH.
      forbidden = error;
    }
    if (forbidden !== null && (await statUnlessDenied(this, path)) === null) throw forbidden;
  }

  /** null: the node exists now. */
  async #make(path: string): Promise<RequestError | null> {
    try {
      await this.create(path, Buffer.alloc(0), { mode: CreateMode.PERSISTENT });
      return null;
    } catch (error) {
      if (!isRequestError(error)) throw error;
      if (error.code === 'NODE_EXISTS') return null;
      if (error.code === 'NO_NODE' || error.code === 'NO_AUTH') return error;
      throw error;
    }
  }

  #noParent(error: RequestError): RequestError {
    const { chroot } = this.#options;
    if (error.code !== 'NO_NODE' || chroot === '') return error;
    return requestError('NO_NODE', `the chroot ${chroot}`);
  }

  async remove(path: string): Promise<void> {
    await this.ask(requestOf('DELETE', 'DeleteRequest', { path, version: -1 }), path);
  }

  async setData(path: string, data: Buffer, version: number): Promise<Stat> {
    const request = requestOf('SET_DATA', 'SetDataRequest', { path, data, version });
    const { body } = await this.ask(request, path);
    return statOf(bodyOf(body, 'stat').stat);
  }

  async exists(path: string, onChange?: OnChange): Promise<Stat | null> {
    const request = requestOf('EXISTS', 'ExistsRequest', { path, watch: onChange !== undefined });
    try {
      const { body } = await this.ask(request, path, onChange && { kind: 'data', onChange });
      return statOf(bodyOf(body, 'stat').stat);
    } catch (error) {
      if (isRequestError(error) && error.code === 'NO_NODE') return null;
      throw error;
    }
  }

  async getData(path: string, onChange?: OnChange): Promise<NodeRead> {
    const request = requestOf('GET_DATA', 'GetDataRequest', {
      path,
      watch: onChange !== undefined,
    });
    const { body } = await this.ask(request, path, onChange && { kind: 'data', onChange });
    const { data, stat } = bodyOf(body, 'data');
    return { data, stat: statOf(stat) };
  }

  async getChildren(path: string, onChange?: OnChange): Promise<string[]> {
    const fields = { path, watch: onChange !== undefined };
    const request = requestOf('GET_CHILDREN2', 'GetChildren2Request', fields);
    const { body } = await this.ask(request, path, onChange && { kind: 'children', onChange });
    return childNames(path, bodyOf(body, 'children').children);
  }

  async check(path: string): Promise<Confirmation> {
    const answer = await this.#transact([{ type: 'check', path }]);
    const { attachment, sentAt, answeredAt, order } = answer;
    return { attachment, sentAt, answeredAt, order };
  }

  async multi(operations: readonly Operation[]): Promise<void> {
    await this.#transact(operations);
  }

  async #transact(operations: readonly Operation[]): Promise<Answer> {
    const answer = await this.ask(
      multiRequest(operations, this.#options.acl),
      operations[0]?.path ?? '',
    );
    const failure = multiFailure(bodyOf(answer.body, 'multi').errors);
    if (failure === null) return answer;
    const { number, index } = failure;
    const path = operations[index]?.path ?? '';
    const error = new RequestError(number, 'multi', '', true);
    // `PrepRequestProcessor` checks the session for each operation. The connection may still be
    // open, so a handshake has to determine if the session still exists.
    const isOver = ERROR_CLASSES[error.code] === 'disconnected';
    throw isOver ? requestError('UNKNOWN_SESSION', path) : this.withPath(error, path);
  }
}

/** An answer is decoded according to its request: another kind is a bug. */
function bodyOf<K extends AnswerBody['kind']>(
  body: AnswerBody,
  kind: K,
): Extract<AnswerBody, { kind: K }> {
  if (body.kind !== kind) throw new Error(`an answer with ${body.kind} instead of ${kind}`);
  return body as Extract<AnswerBody, { kind: K }>;
}
