/**
 * One of N leases, in kazoo's layout (`kazoo.recipe.lock.Semaphore`): the data of the pool node is
 * N, leases are its ephemeral children, and who wants one first takes the lock `<pool>-__lock__`,
 * so that one contender at a time watches the pool.
 *
 * A lease is created in one transaction with a check of our inner lock node and of the pool's
 * version, and counts only if it is among the N oldest: kazoo's own non-blocking path can create a
 * lease without the inner lock.
 */

import type { ContenderInfo, QueueInfo } from '../../../machines/contract.ts';
import { INNER_LOCK } from '../../settings/reserved-names.ts';
import { mayHaveHappened } from '../error-policy.ts';
import { isRequestError } from '../errors.ts';
import { CreateMode, ignoringNoNode, type LockSession } from '../session/requests.ts';
import { describeContender } from './describe.ts';
import { Lock } from './lock.ts';
import { isContender } from './queue-order.ts';
import { type Pace, type Position, type Recipe, takeSteps } from './recipe.ts';

export interface SemaphoreOptions {
  /** The pool node. */
  readonly path: string;
  readonly leases: number;
  /** 32 hexadecimal digits, used for one session only: the name of our lease. */
  readonly guid: string;
  readonly data: Buffer;
}

/** Where the contenders of a semaphore queue for a look at its pool. */
export function innerLockPath(pool: string): string {
  return pool + INNER_LOCK;
}

/**
 * N as a pool's data says it, to kazoo as well, which reads it by Python's `int`; null for the parent
 * of a plain lock, or data of somebody's own.
 */
export function leasesIn(data: Buffer | undefined): number | null {
  const text = textOf(data);
  const leases = /^\+?\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(leases) ? leases : null;
}

/** Of what is too long for a number, not even a blank beginning is taken for something else. */
function textOf(data: Buffer | undefined): string {
  if (data === undefined) return '';
  return data.length > MAX_NUMBER_BYTES ? 'too long' : data.toString().trim();
}

const MAX_NUMBER_BYTES = 100;

/** How many leaseholders are named to a waiting user. */
const HOLDERS_SHOWN = 10;

export class Semaphore implements Recipe {
  readonly #session: LockSession;
  readonly #options: SemaphoreOptions;
  readonly #inner: Lock;
  readonly #leasePath: string;
  /** Version of the pool's data that said our N; null until it was read. */
  #poolVersion: number | null = null;
  /** The leases that were held at the last look before the queue for the inner lock was looked at. */
  #heldBefore: readonly string[] = [];
  /** 'maybe' while the answer to the lease's creation is missing. */
  #lease: 'none' | 'maybe' | 'created' | 'ours' = 'none';

  constructor(session: LockSession, options: SemaphoreOptions) {
    this.#session = session;
    this.#options = options;
    this.#leasePath = `${options.path}/${options.guid}`;
    this.#inner = new Lock(session, {
      path: innerLockPath(options.path),
      guid: options.guid,
      kind: 'exclusive',
      data: options.data,
    });
  }

  get ownOrParentPath(): string {
    const isIn = this.#lease === 'created' || this.#lease === 'ours';
    return isIn ? this.#leasePath : this.#inner.ownOrParentPath;
  }

  advance(onChange: () => void, pace?: Pace): Promise<Position> {
    return takeSteps(() => this.#step(onChange, pace), pace);
  }

  doubt(): void {
    this.#inner.doubt();
  }

  async withdraw(onAsked?: () => void): Promise<void> {
    const lease =
      this.#lease === 'none' ? null : ignoringNoNode(this.#session.remove(this.#leasePath));
    await Promise.all([lease, this.#inner.withdraw(onAsked)]);
    this.#lease = 'none';
  }

  async #step(onChange: () => void, pace?: Pace): Promise<Position | 'again'> {
    if (this.#lease === 'maybe') await this.#recover();
    if (this.#lease === 'created') await this.#judge();
    if (this.#lease === 'ours') {
      await this.#inner.withdraw();
      return { kind: 'granted', path: this.#leasePath, createdZxid: null };
    }

    if (this.#poolVersion === null) {
      const refusal = await this.#openPool();
      if (refusal !== null) return { kind: 'refused', message: refusal };
    }
    const inner = await this.#inner.advance(onChange, pace);
    if (inner.kind === 'queued') return this.#behindInner(inner.queue);
    if (inner.kind === 'refused') return inner;

    const held = await this.#leases(onChange);
    if (held === null) return 'again';
    if (held.length >= this.#options.leases) {
      const holders = await this.#describe(held);
      const queue = { position: 1, holders, behind: null };
      return { kind: 'queued', transient: false, next: null, queue };
    }
    await this.#take(inner.path);
    return 'again';
  }

  /** Finds or makes the pool; a message when it is not ours to use. */
  async #openPool(): Promise<string | null> {
    const { path, leases } = this.#options;
    const pool = await ignoringNoNode(this.#session.getData(path));
    if (pool === null) {
      await this.#session.mkdirp(path.slice(0, path.lastIndexOf('/')) || '/');
      await this.#made(
        this.#session.create(path, Buffer.from(String(leases)), { mode: CreateMode.PERSISTENT }),
      );
      return this.#openPool();
    }
    const agreed = leasesIn(pool.data);
    if (agreed !== null && agreed !== leases) {
      return `${path} is a semaphore of ${agreed}, not ${leases}: all have to say the same -c`;
    }
    const children = await this.#session.getChildren(path);
    if (children.some(isContender)) {
      return `${path} is used as a plain lock (-c 1): it can't be a semaphore of ${leases} as well`;
    }
    if (agreed === null && textOf(pool.data) !== '') {
      return `the data of ${path} is no number of leases: it is something of somebody else's`;
    }
    if (agreed === null) {
      // kazoo makes the pool first and writes N into it afterwards.
      await this.#made(this.#session.setData(path, Buffer.from(String(leases)), pool.stat.version));
      return this.#openPool();
    }
    this.#poolVersion = pool.stat.version;
    this.#heldBefore = children;
    return null;
  }

  /** Somebody else may have been quicker: the pool is read again in any case. */
  async #made(request: Promise<unknown>): Promise<void> {
    try {
      await request;
    } catch (error) {
      const quicker = isRequestError(error) && ['NODE_EXISTS', 'BAD_VERSION'].includes(error.code);
      if (!quicker) throw error;
    }
  }

  /**
   * While leases are free, whoever has the inner lock takes one and lets go of it. Who did so between
   * our look at the queue and the one at the pool was seen in both: what they add up to counts as too
   * many only if the leases were held before as well.
   */
  async #behindInner(ahead: QueueInfo): Promise<Position | 'again'> {
    const before = this.#heldBefore;
    const held = (await this.#leases()) ?? [];
    this.#heldBefore = held;
    const suffices = (taken: readonly string[]) =>
      taken.length + ahead.position <= this.#options.leases;
    const transient = suffices(held);
    if (!transient && suffices(held.filter((name) => before.includes(name)))) return 'again';
    const holders = await this.#describe(held);
    const queue = { ...ahead, position: ahead.position + 1, holders };
    return { kind: 'queued', transient, next: null, queue };
  }

  async #take(innerNodePath: string): Promise<void> {
    this.#lease = 'maybe';
    try {
      await this.#session.multi([
        { type: 'check', path: innerNodePath },
        { type: 'check', path: this.#options.path, version: this.#poolVersion ?? -1 },
        {
          type: 'create',
          path: this.#leasePath,
          data: this.#options.data,
          mode: CreateMode.EPHEMERAL,
        },
      ]);
      this.#lease = 'created';
    } catch (error) {
      if (!isRequestError(error) || mayHaveHappened(error)) throw error;
      // Nothing was made. The inner lock or the pool is not what it was: look at both anew.
      this.#lease = 'none';
      this.#poolVersion = null;
      if (!['NO_NODE', 'BAD_VERSION'].includes(error.code)) throw error;
    }
  }

  /** Ours only if it is among the N oldest; else it is taken back. */
  async #judge(): Promise<void> {
    const { leases, guid } = this.#options;
    const held = (await this.#leases()) ?? [];
    if (held.length > leases) {
      const stats = await Promise.all(
        held.map(async (name) => ({
          name,
          stat: await this.#session.exists(`${this.#options.path}/${name}`),
        })),
      );
      const oldest = stats
        .flatMap(({ name, stat }) => (stat === null ? [] : [{ name, czxid: stat.czxid }]))
        .sort((a, b) => (a.czxid < b.czxid ? -1 : 1))
        .slice(0, leases);
      if (!oldest.some(({ name }) => name === guid)) {
        await ignoringNoNode(this.#session.remove(this.#leasePath));
        this.#lease = 'none';
        return;
      }
    }
    this.#lease = held.includes(guid) ? 'ours' : 'none';
  }

  /** The answer to the transaction was lost: see whether it was carried out. */
  async #recover(): Promise<void> {
    await ignoringNoNode(this.#session.check(this.#options.path));
    const stat = await this.#session.exists(this.#leasePath);
    this.#lease = stat === null ? 'none' : 'created';
  }

  /** null: somebody deleted the pool. It is opened anew then. */
  async #leases(onChange?: () => void): Promise<string[] | null> {
    const { path } = this.#options;
    const children = await ignoringNoNode(this.#session.getChildren(path, onChange));
    if (children === null) this.#poolVersion = null;
    return children?.filter((child) => !isContender(child)) ?? null;
  }

  async #describe(held: readonly string[]): Promise<ContenderInfo[]> {
    const found = await Promise.all(
      held
        .slice(0, HOLDERS_SHOWN)
        .map((node) => describeContender(this.#session, `${this.#options.path}/${node}`)),
    );
    return found.filter((holder) => holder !== null);
  }
}
