/**
 * A place in the queue of one lock, in kazoo's layout (`kazoo.recipe.lock.Lock`, `ReadLock`,
 * `WriteLock`): an ephemeral sequential node, and a watch on its predecessor alone.
 *
 * It never decides whether the session is to be trusted: that is the lease's.
 */
import { printable } from '../../util/printable.ts';
import { mayHaveHappened } from '../error-policy.ts';
import { isRequestError } from '../errors.ts';
import {
  CreateMode,
  ignoringNoNode,
  type LockSession,
  type NodeRead,
  type OnChange,
} from '../session/requests.ts';
import { describeContender } from './describe.ts';
import { foreignNodeAmong, type RecipeName } from './foreign-recipes.ts';
import {
  type ContenderKind,
  CURATOR_MARK,
  EXCLUSIVE_MARK,
  type Place,
  placeOf,
  SHARED_MARK,
} from './queue-order.ts';
import { type Pace, type Position, type Recipe, takeSteps } from './recipe.ts';

export interface LockOptions {
  /** The node under which contenders stand. */
  readonly path: string;
  /** 32 hexadecimal digits, used for one session only. */
  readonly guid: string;
  readonly kind: ContenderKind;
  /** By whose names our node is created: kazoo's when not given. Curator's are exclusive. */
  readonly recipe?: RecipeName;
  readonly data: Buffer;
  /** Called with the parent's data until it allows the lock once; a message refuses it. */
  /** Told once of a node that does not exclude us, or we it. */
  readonly warn?: (message: string) => void;
  readonly refusal?: (parentData: Buffer | undefined) => string | null;
}

/** Of a foreign node's name, no more is shown. */
const MAX_NAME_LENGTH = 120;

interface Stand {
  readonly place: Place;
  /** The zxid of our node, if it was made just now. */
  readonly createdZxid: bigint | null;
}

export class Lock implements Recipe {
  readonly #session: LockSession;
  readonly #options: LockOptions;
  readonly #prefix: string;
  /** Name of our node; 'maybe' while the answer to its creation is missing; null: none was asked for. */
  #node: { readonly name: string } | 'maybe' | null = null;

  /**
   * Path of our node, once the only one before it is gone: no other node can come before it any more,
   * since sequence numbers only grow. To look at the queue would tell the same, unless our node is
   * gone as well. Said once.
   */
  #first: string | null = null;
  #hasWarned = false;
  /** The parent's data was looked at: it may be a lock. */
  #isAllowed = false;

  constructor(session: LockSession, options: LockOptions) {
    this.#session = session;
    this.#options = options;
    this.#prefix = prefixOf(options);
  }

  /** Path of our node, once it is known. */
  get nodePath(): string | null {
    return this.#node === null || this.#node === 'maybe' ? null : this.#pathOf(this.#node.name);
  }

  get ownOrParentPath(): string {
    return this.nodePath ?? this.#options.path;
  }

  advance(onChange: () => void, pace?: Pace): Promise<Position> {
    return takeSteps(() => this.#step(onChange), pace);
  }

  doubt(): void {
    this.#first = null;
  }

  async withdraw(onAsked = () => {}): Promise<void> {
    if (this.#node === 'maybe') await this.#recover();
    const path = this.nodePath;
    const removal = path === null ? null : ignoringNoNode(this.#session.remove(path));
    onAsked();
    await removal;
    this.#node = null;
  }

  async #step(onChange: () => void): Promise<Position | 'again'> {
    const first = this.nodePath;
    if (first !== null && first === this.#first) {
      this.#first = null;
      return { kind: 'granted', path: first, createdZxid: null };
    }
    const stand = await this.#stand();
    if (typeof stand === 'string') return { kind: 'refused', message: stand };
    const { place, createdZxid } = stand;
    switch (place.kind) {
      case 'missing':
        // Our node was deleted: join the end of the queue. (kazoo does the same.)
        this.#node = null;
        return 'again';
      case 'unordered':
        return { kind: 'refused', message: this.#unordered(place.node) };
      case 'exhausted':
        return { kind: 'refused', message: this.#exhausted() };
      case 'first':
        return { kind: 'granted', path: this.#pathOf(place.self.node), createdZxid };
      case 'behind':
        return await this.#waitBehind(place, onChange);
    }
  }

  /** Watches the last of those that are before us. */
  async #waitBehind(
    { blockers, holders }: Extract<Place, { kind: 'behind' }>,
    onChange: () => void,
  ): Promise<Position | 'again'> {
    const self = this.nodePath;
    const predecessor = blockers.at(-1) ?? blockers[0];
    const isNext = blockers.length === 1;
    const watch: OnChange = (change) => {
      if (change === 'deleted' && isNext) this.#first = self;
      onChange();
    };
    const behind = await describeContender(this.#session, this.#pathOf(predecessor.node), watch);
    if (behind === null) return 'again';
    const holder = holders[0] ?? predecessor;
    const holding =
      holder === predecessor
        ? behind
        : await describeContender(this.#session, this.#pathOf(holder.node));
    return {
      kind: 'queued',
      transient: false,
      next: isNext ? self : null,
      queue: { position: blockers.length, holders: holding ? [holding] : [], behind },
    };
  }

  /** Where we stand among the contenders, having created our node if there was none; or a refusal. */
  async #stand(): Promise<Stand | string> {
    if (this.#node === 'maybe') await this.#recover();
    if (this.#node !== null) {
      const [children, data] = await Promise.all([
        ignoringNoNode(this.#session.getChildren(this.#options.path)),
        // Where we were interrupted before we knew.
        this.#isAllowed ? null : ignoringNoNode(this.#session.getData(this.#options.path)),
      ]);
      return (data && this.#refusalBy(data)) ?? this.#find(children ?? []);
    }

    // One round trip: a server answers a session's requests in order, so the children that are
    // asked for behind the creation show the node.
    this.#node = 'maybe';
    const [created, parent, children] = await Promise.allSettled([
      this.#session.create(this.#pathOf(this.#prefix), this.#options.data, {
        mode: CreateMode.EPHEMERAL_SEQUENTIAL,
      }),
      ignoringNoNode(this.#session.getData(this.#options.path)),
      ignoringNoNode(this.#session.getChildren(this.#options.path)),
    ]);
    if (created.status === 'rejected') {
      if (!isRequestError(created.reason)) throw created.reason;
      if (!mayHaveHappened(created.reason)) this.#node = null;
      if (created.reason.code !== 'NO_NODE') throw created.reason;
      await this.#session.mkdirp(this.#options.path);
      return this.#stand();
    }
    this.#node = { name: created.value.path.slice(this.#options.path.length + 1) };
    if (parent.status === 'rejected') throw parent.reason;
    if (children.status === 'rejected') throw children.reason;
    const refusal = parent.value && this.#refusalBy(parent.value);
    return refusal ?? this.#find(children.value ?? [], created.value.czxid);
  }

  #refusalBy(parent: NodeRead): string | null {
    const refusal = this.#options.refusal?.(parent.data) ?? null;
    this.#isAllowed = refusal === null;
    return refusal;
  }

  #find(children: readonly string[], createdZxid: bigint | null = null): Stand {
    this.#warnOfForeign(children);
    const name = this.#node !== 'maybe' ? this.#node?.name : undefined;
    const place: Place = name === undefined ? { kind: 'missing' } : placeOf(name, children);
    return { place, createdZxid };
  }

  #warnOfForeign(children: readonly string[]): void {
    const { recipe = 'kazoo', warn } = this.#options;
    const foreign = this.#hasWarned ? null : foreignNodeAmong(children, recipe);
    if (foreign === null || warn === undefined) return;
    this.#hasWarned = true;
    warn(`${this.#pathOf(printable(foreign.node, MAX_NAME_LENGTH))} is ${foreign.warning}`);
  }

  #unordered(node: string): string {
    const { path } = this.#options;
    return (
      `${this.#pathOf(printable(node, MAX_NAME_LENGTH))} has no sequence number from 0 to ` +
      '2147483647, so the order of the queue is unknown: if a client created this node by name, ' +
      `delete it; if the sequence numbers are exhausted, stop all contenders and delete ${path}`
    );
  }

  #exhausted(): string {
    const { path } = this.#options;
    return `the sequence numbers of ${path} are exhausted: stop all contenders and delete it`;
  }

  /**
   * The answer to our creation was lost: look for the node by its GUID, but only once the leader
   * has confirmed something on this session. A server that lags may not show it yet.
   */
  async #recover(): Promise<void> {
    await ignoringNoNode(this.#session.check(this.#options.path));
    const children = (await ignoringNoNode(this.#session.getChildren(this.#options.path))) ?? [];
    const name = children.find((child) => child.startsWith(this.#prefix));
    this.#node = name === undefined ? null : { name };
  }

  #pathOf(name: string): string {
    return `${this.#options.path}/${name}`;
  }
}

function prefixOf({ guid, kind, recipe = 'kazoo' }: LockOptions): string {
  if (recipe === 'kazoo') return guid + (kind === 'shared' ? SHARED_MARK : EXCLUSIVE_MARK);
  if (kind === 'shared') throw new Error("Curator's InterProcessMutex is exclusive");
  // `ProtectedUtils`: `_c_`, a UUID and a dash, before the name that was asked for.
  const parts = [guid.slice(0, 8), guid.slice(8, 12), guid.slice(12, 16), guid.slice(16, 20)];
  const uuid = [...parts, guid.slice(20)].join('-');
  return `_c_${uuid}${CURATOR_MARK}`;
}
