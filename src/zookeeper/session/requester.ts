/**
 * ZooKeeper's requests as methods. How a request travels, and how long its answer is waited for, is
 * its heir's: the session's.
 */
import { EventEmitter } from 'node:events';
import type { Request } from 'node-zookeeper-client/lib/jute/index.js';
import type { Access } from '../../settings/access.ts';
import { childNames, createdPath } from '../answers.ts';
import { ERROR_CLASSES } from '../error-policy.ts';
import { isRequestError, RequestError, requestError } from '../errors.ts';
import type { Confirmation } from '../lease/lease.ts';
import type { AnswerBody, AnswerHeader } from './decode.ts';
import {
  CreateMode,
  createRequest,
  type LockSession,
  multiFailure,
  multiRequest,
  type NodeRead,
  type OnChange,
  type Operation,
  requestOf,
  type Stat,
  statOf,
} from './requests.ts';
import type { WatchKind } from './watches.ts';

/** To be set when the answer comes, before the next frame is read. */
export interface Watch {
  readonly kind: WatchKind;
  readonly onChange: OnChange;
}

/**
 * With the attachment it came on, and the times of `src/util/clock.ts` right before its request was written
 * and when it was read.
 */
export interface Answer extends Confirmation {
  readonly header: AnswerHeader;
  readonly body: AnswerBody;
}

type Asking = Pick<Access, 'chroot' | 'acl'>;

export abstract class Requester<Events extends Record<keyof Events, unknown[]>>
  extends EventEmitter<Events>
  implements LockSession
{
  readonly #asking: Asking;

  constructor(asking: Asking) {
    super();
    this.#asking = asking;
  }

  abstract get isAttached(): boolean;

  /** Rejects with RequestError; `path` is for its words. */
  protected abstract ask(request: Request, path: string, watch?: Watch): Promise<Answer>;

  /** The same error, said of this path. */
  protected abstract inWords(error: RequestError, path: string): RequestError;

  async create(path: string, data: Buffer, { mode }: { readonly mode: CreateMode }) {
    const request = createRequest(path, data, mode, this.#asking.acl);
    // What can be wrong is wrong with the parent.
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    const { header, body } = await this.ask(request, parent);
    return {
      path: createdPath(path, bodyOf(body, 'created').path, mode),
      // The answer's zxid is that of the transaction that made the node.
      czxid: header.zxid.readBigInt64BE(),
    };
  }

  async mkdirp(path: string): Promise<void> {
    let made = '';
    let forbidden: RequestError | null = null;
    for (const name of path.split('/').filter((part) => part !== '')) {
      made += `/${name}`;
      const trouble: RequestError | null = await this.#make(made);
      if (trouble?.code === 'NO_NODE') throw this.#noParent(forbidden ?? trouble);
      // Perhaps we may not make it because others have.
      forbidden = trouble;
    }
    if (forbidden !== null && (await this.exists(path)) === null) throw forbidden;
  }

  /** null: it is there now. */
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
    const { chroot } = this.#asking;
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
      multiRequest(operations, this.#asking.acl),
      operations[0]?.path ?? '',
    );
    const failure = multiFailure(bodyOf(answer.body, 'multi').errors);
    if (failure === null) return answer;
    const { number, index } = failure;
    const path = operations[index]?.path ?? '';
    const error = new RequestError(number, 'multi', '', true);
    // `PrepRequestProcessor` checks the session for each operation. The connection may still stand, so
    // that a handshake has to tell what became of the session.
    const isOver = ERROR_CLASSES[error.code] === 'disconnected';
    throw isOver ? requestError('UNKNOWN_SESSION', path) : this.inWords(error, path);
  }
}

/** An answer is decoded by the type of its request: another kind is an error of ours. */
function bodyOf<K extends AnswerBody['kind']>(
  body: AnswerBody,
  kind: K,
): Extract<AnswerBody, { kind: K }> {
  if (body.kind !== kind) throw new Error(`an answer with ${body.kind} instead of ${kind}`);
  return body as Extract<AnswerBody, { kind: K }>;
}
