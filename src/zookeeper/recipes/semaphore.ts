/**
 * The semaphore recipe, in kazoo's layout (`kazoo.recipe.lock.Semaphore`): the data of the pool
 * node is N, permits (kazoo's "leases") are its ephemeral children, and a contender first takes the
 * inner lock `<pool>-__lock__`, so that one at a time watches the pool.
 *
 * A permit is created in one transaction with a check of our inner lock node and of the pool's
 * version, and counts only if it is among the N oldest: kazoo's own non-blocking path can create a
 * permit without the inner lock.
 */
import type { ContenderInfo, QueueInfo } from '../../../machines/contract.ts';
import { INNER_LOCK } from '../../settings/reserved-names.ts';
import { CreateMode, ignoringNoNode, type LockSession, statUnlessDenied } from '../client.ts';
import { mayHaveHappened } from '../error-policy.ts';
import { isRequestError } from '../errors.ts';
import { describeContender } from './describe.ts';
import { Lock } from './lock.ts';
import { isContender } from './queue-order.ts';
import { type Pace, type Position, type Recipe, takeSteps } from './recipe.ts';

export interface SemaphoreOptions {
  /** The pool node. */
  readonly path: string;
  /** N */
  readonly permits: number;
  /** 32 hexadecimal digits, used for one session only: the name of our permit. */
  readonly guid: string;
  readonly data: Buffer;
}

/** The lock that a semaphore's contenders acquire before they read its pool. */
export function innerLockPath(pool: string): string {
  return pool + INNER_LOCK;
}

/**
 * N in a pool's data, which kazoo reads with Python's `int`; null for the parent of a plain lock,
 * and for other data.
 */
export function permitsIn(data: Buffer | undefined): number | null {
  const text = textOf(data);
  const permits = /^\+?\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(permits) ? permits : null;
}

/** Data that is too long for a number counts as unexpected, even if it begins with blanks. */
function textOf(data: Buffer | undefined): string {
  if (data === undefined) return '';
  return data.length > MAX_NUMBER_BYTES ? 'too long' : data.toString().trim();
}

const MAX_NUMBER_BYTES = 100;

/** Maximum number of holders that are shown to a waiting user. */
const HOLDERS_SHOWN = 10;

export class Semaphore implements Recipe {
  readonly #session: LockSession;
  readonly #options: SemaphoreOptions;
  readonly #inner: Lock;
  readonly #permitPath: string;
  /** Version of the pool's data, which contains our N; null: not read yet. */
  #poolVersion: number | null = null;
  /** The permits that were held the last time the pool was read before the inner lock's queue. */
  #heldBefore: readonly string[] = [];
  /** 'maybe' if the answer to its creation was lost; 'valid' if it is among the N oldest. */
  #permit: 'none' | 'maybe' | 'created' | 'valid' = 'none';

  constructor(session: LockSession, options: SemaphoreOptions) {
    this.#session = session;
    this.#options = options;
    this.#permitPath = `${options.path}/${options.guid}`;
    this.#inner = new Lock(session, {
      path: innerLockPath(options.path),
      guid: options.guid,
      kind: 'exclusive',
      data: options.data,
    });
  }

  get ownOrParentPath(): string {
    const isIn = this.#permit === 'created' || this.#permit === 'valid';
    return isIn ? this.#permitPath : this.#inner.ownOrParentPath;
  }

  advance(onChange: () => void, pace?: Pace): Promise<Position> {
    return takeSteps(() => this.#step(onChange, pace), pace);
  }

  invalidate(): void {
    this.#inner.invalidate();
  }

  async withdraw(onAsked?: () => void): Promise<void> {
    const removal =
      this.#permit === 'none' ? null : ignoringNoNode(this.#session.remove(this.#permitPath));
    await Promise.all([removal, this.#inner.withdraw(onAsked)]);
    this.#permit = 'none';
  }

  async #step(onChange: () => void, pace?: Pace): Promise<Position | 'again'> {
    if (this.#permit === 'maybe') await this.#recover();
    if (this.#permit === 'created') await this.#validate();
    if (this.#permit === 'valid') {
      await this.#inner.withdraw();
      return { kind: 'granted', path: this.#permitPath, createdZxid: null };
    }

    if (this.#poolVersion === null) {
      const refusal = await this.#openPool();
      if (refusal !== null) return { kind: 'refused', message: refusal };
    }
    const inner = await this.#inner.advance(onChange, pace);
    if (inner.kind === 'queued') return this.#behindInner(inner.queue);
    if (inner.kind === 'refused') return inner;

    const held = await this.#readPermits(onChange);
    if (held === null) return 'again';
    if (held.length >= this.#options.permits) {
      const holders = await this.#describe(held);
      const queue = { position: 1, holders, behind: null };
      return { kind: 'queued', transient: false, next: null, queue };
    }
    await this.#take(inner.path);
    return 'again';
  }

  /** Finds or creates the pool; a message if it cannot be used. */
  async #openPool(): Promise<string | null> {
    const { path, permits } = this.#options;
    const pool = await ignoringNoNode(this.#session.getData(path));
    if (pool === null) {
      await this.#session.mkdirp(path.slice(0, path.lastIndexOf('/')) || '/');
      await this.#ignoringRace(
        this.#session.create(path, Buffer.from(String(permits)), { mode: CreateMode.PERSISTENT }),
      );
      return this.#openPool();
    }
    const agreed = permitsIn(pool.data);
    if (agreed !== null && agreed !== permits) {
      return `${path} is a semaphore of ${agreed}, not ${permits}: all contenders need the same -c`;
    }
    const children = await this.#session.getChildren(path);
    if (children.some(isContender)) {
      return `${path} is in use as a plain lock (-c 1): it cannot be a semaphore of ${permits} too`;
    }
    if (agreed === null && textOf(pool.data) !== '') {
      return `unexpected data in ${path}: not a number of permits (-c)`;
    }
    if (agreed === null) {
      // kazoo creates the pool first and writes N into it afterwards.
      await this.#ignoringRace(
        this.#session.setData(path, Buffer.from(String(permits)), pool.stat.version),
      );
      return this.#openPool();
    }
    this.#poolVersion = pool.stat.version;
    this.#heldBefore = children;
    return null;
  }

  /** Another contender may have been faster: the pool is read again in any case. */
  async #ignoringRace(request: Promise<unknown>): Promise<void> {
    try {
      await request;
    } catch (error) {
      const isRace = isRequestError(error) && ['NODE_EXISTS', 'BAD_VERSION'].includes(error.code);
      if (!isRace) throw error;
    }
  }

  /**
   * While permits are free, the holder of the inner lock takes one and leaves the queue. If it does
   * so between our reads of the queue and of the pool, it is counted in both. So their sum counts
   * as too many only if the permits were held before, too.
   */
  async #behindInner(ahead: QueueInfo): Promise<Position | 'again'> {
    const before = this.#heldBefore;
    const held = (await this.#readPermits()) ?? [];
    this.#heldBefore = held;
    const suffices = (taken: readonly string[]) =>
      taken.length + ahead.position <= this.#options.permits;
    const transient = suffices(held);
    if (!transient && suffices(held.filter((name) => before.includes(name)))) return 'again';
    const holders = await this.#describe(held);
    const queue = { ...ahead, position: ahead.position + 1, holders };
    return { kind: 'queued', transient, next: null, queue };
  }

  async #take(innerNodePath: string): Promise<void> {
    this.#permit = 'maybe';
    try {
      await this.#session.multi([
        { type: 'check', path: innerNodePath },
        { type: 'check', path: this.#options.path, version: this.#poolVersion ?? -1 },
        {
          type: 'create',
          path: this.#permitPath,
          data: this.#options.data,
          mode: CreateMode.EPHEMERAL,
        },
      ]);
      this.#permit = 'created';
    } catch (error) {
      if (!isRequestError(error) || mayHaveHappened(error)) throw error;
      // Nothing was created. The inner lock or the pool has changed: read both again.
      this.#permit = 'none';
      this.#poolVersion = null;
      if (!['NO_NODE', 'BAD_VERSION'].includes(error.code)) throw error;
    }
  }

  /** Keeps our permit only if it is among the N oldest; else deletes it. */
  async #validate(): Promise<void> {
    const { permits, guid } = this.#options;
    const held = (await this.#readPermits()) ?? [];
    if (held.length > permits) {
      const stats = await Promise.all(
        held.map(async (name) => ({
          name,
          stat: await statUnlessDenied(this.#session, `${this.#options.path}/${name}`),
        })),
      );
      const oldest = stats
        .flatMap(({ name, stat }) => {
          if (stat === null) return [];
          // A permit of unknown age counts as older than ours: it may hold the lock.
          return [{ name, czxid: stat === 'denied' ? 0n : stat.czxid }];
        })
        .sort((a, b) => (a.czxid < b.czxid ? -1 : 1))
        .slice(0, permits);
      if (!oldest.some(({ name }) => name === guid)) {
        await ignoringNoNode(this.#session.remove(this.#permitPath));
        this.#permit = 'none';
        return;
      }
    }
    this.#permit = held.includes(guid) ? 'valid' : 'none';
  }

  /** The answer to the transaction was lost: find out if it was carried out. */
  async #recover(): Promise<void> {
    await ignoringNoNode(this.#session.check(this.#options.path));
    const stat = await this.#session.exists(this.#permitPath);
    this.#permit = stat === null ? 'none' : 'created';
  }

  /** The names of the permits; null: the pool was deleted. It is then opened again. */
  async #readPermits(onChange?: () => void): Promise<string[] | null> {
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
