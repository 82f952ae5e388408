/**
 * ZooKeeper's requests as methods. How a request travels, and how long its answer is waited for, is
 * its heir's: the session's.
 */
import { EventEmitter } from 'node:events';
import type { RawStat, Request, Response } from 'node-zookeeper-client/lib/jute/index.js';
import type { Clock } from '../clock.ts';
import { isRequestError, requestError } from './errors.ts';
import {
  type ConfirmedCheck,
  type CreateMode,
  createRequest,
  type LockSession,
  multiFailure,
  multiRequest,
  type NodeRead,
  type Operation,
  requestOf,
  type Stat,
  statOf,
} from './requests.ts';

/** To be set when the answer comes, before the next frame is read. */
export interface Watch {
  readonly kind: 'Data' | 'Child';
  readonly onChange: () => void;
}

export abstract class Requester<Events extends Record<keyof Events, unknown[]>>
  extends EventEmitter<Events>
  implements LockSession
{
  readonly #asking: { readonly clock: Clock; readonly chroot: string };

  constructor(asking: { readonly clock: Clock; readonly chroot: string }) {
    super();
    this.#asking = asking;
  }

  abstract get isAttached(): boolean;

  /** Rejects with RequestError; `path` is for its words. */
  protected abstract ask(request: Request, path: string, watch?: Watch): Promise<Response>;

  async create(path: string, data: Buffer, { mode }: { readonly mode: CreateMode }) {
    const { header, payload } = await this.ask(createRequest(path, data, mode), path);
    return {
      path: (payload as { path: string }).path,
      // The answer's zxid is that of the transaction that made the node.
      czxid: header.zxid.readBigInt64BE(),
    };
  }

  async mkdirp(path: string): Promise<void> {
    let made = '';
    for (const name of path.split('/').filter((part) => part !== '')) {
      made += `/${name}`;
      try {
        await this.create(made, Buffer.alloc(0), { mode: 0 });
      } catch (error) {
        // NO_AUTH: perhaps we may not make it, but it may be there; what comes next will tell.
        if (!isRequestError(error)) throw error;
        if (error.code === 'NO_NODE' && this.#asking.chroot !== '') {
          throw requestError('NO_NODE', `the chroot ${this.#asking.chroot}`);
        }
        if (!['NODE_EXISTS', 'NO_AUTH'].includes(error.code)) throw error;
      }
    }
  }

  async remove(path: string): Promise<void> {
    await this.ask(requestOf('DELETE', 'DeleteRequest', { path, version: -1 }), path);
  }

  async setData(path: string, data: Buffer, version: number): Promise<Stat> {
    const request = requestOf('SET_DATA', 'SetDataRequest', { path, data, version });
    const { payload } = await this.ask(request, path);
    return statOf((payload as { stat: RawStat }).stat);
  }

  async exists(path: string, onChange?: () => void): Promise<Stat | null> {
    const request = requestOf('EXISTS', 'ExistsRequest', { path, watch: onChange !== undefined });
    try {
      const { payload } = await this.ask(request, path, onChange && { kind: 'Data', onChange });
      return statOf((payload as { stat: RawStat }).stat);
    } catch (error) {
      if (isRequestError(error) && error.code === 'NO_NODE') return null;
      throw error;
    }
  }

  async getData(path: string, onChange?: () => void): Promise<NodeRead> {
    const request = requestOf('GET_DATA', 'GetDataRequest', {
      path,
      watch: onChange !== undefined,
    });
    const { payload } = await this.ask(request, path, onChange && { kind: 'Data', onChange });
    const { data, stat } = payload as { data: Buffer | undefined; stat: RawStat };
    return { data, stat: statOf(stat) };
  }

  async getChildren(path: string, onChange?: () => void): Promise<string[]> {
    const fields = { path, watch: onChange !== undefined };
    const request = requestOf('GET_CHILDREN2', 'GetChildren2Request', fields);
    const { payload } = await this.ask(request, path, onChange && { kind: 'Child', onChange });
    return (payload as { children: string[] }).children;
  }

  async check(path: string): Promise<ConfirmedCheck> {
    const { clock } = this.#asking;
    const sentAt = clock.now();
    await this.multi([{ type: 'check', path }]);
    return { sentAt, answeredAt: clock.now() };
  }

  async multi(operations: readonly Operation[]): Promise<void> {
    const response = await this.ask(multiRequest(operations), operations[0]?.path ?? '');
    const failure = multiFailure(response);
    if (failure !== null) throw failure;
  }
}
