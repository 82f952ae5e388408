/**
 * The lock recipe, in kazoo's layout (`kazoo.recipe.lock.Lock`, `ReadLock`, `WriteLock`): an
 * ephemeral sequential node, and a watch on its predecessor only.
 *
 * The lease, not the recipe, decides if the session can be relied on.
 */
import { printable } from '../../util/printable.ts';
import {
  CreateMode,
  ignoringNoNode,
  type LockSession,
  type NodeRead,
  type OnChange,
} from '../client.ts';
import { mayHaveHappened } from '../error-policy.ts';
import { isRequestError } from '../errors.ts';
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
  /** The parent of the contenders' nodes. */
  readonly path: string;
  /** 32 hexadecimal digits, used for one session only. */
  readonly guid: string;
  readonly kind: ContenderKind;
  /** The recipe that determines the name of our node; default: kazoo. Curator's is exclusive. */
  readonly recipe?: RecipeName;
  readonly data: Buffer;
  /** Called once, for a node of another recipe (foreign-recipes.ts). */
  readonly warn?: (message: string) => void;
  /** Called with the parent's data until it returns null once; a message refuses the lock. */
  readonly refusal?: (parentData: Buffer | undefined) => string | null;
}

/** Longer names of foreign nodes are truncated in messages. */
const MAX_NAME_LENGTH = 120;

interface PlaceInQueue {
  readonly place: Place;
  /** The zxid that created our node, if this step created it. */
  readonly createdZxid: bigint | null;
}

export class Lock implements Recipe {
  readonly #session: LockSession;
  readonly #options: LockOptions;
  readonly #prefix: string;
  /** 'maybe' if the answer to its creation was lost; null: there is no node. */
  #node: { readonly name: string } | 'maybe' | null = null;

  /**
   * Path of our node, after the only one ahead of it was deleted: no other node can get ahead of
   * it, because sequence numbers only increase. Reading the queue would show the same, unless our
   * node is gone too. Used once.
   */
  #first: string | null = null;
  #hasWarned = false;
  /** The parent's data was read, and allows a lock. */
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

  invalidate(): void {
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
    const found = await this.#findPlace();
    if (typeof found === 'string') return { kind: 'refused', message: found };
    const { place, createdZxid } = found;
    switch (place.kind) {
      case 'missing':
        // Our node was deleted: join the end of the queue, as kazoo does.
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

  /** Watches the last of the contenders ahead of us. */
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

  /** Our place among the contenders, creating our node if there is none; or a refusal. */
  async #findPlace(): Promise<PlaceInQueue | string> {
    if (this.#node === 'maybe') await this.#recover();
    if (this.#node !== null) {
      const [children, data] = await Promise.all([
        ignoringNoNode(this.#session.getChildren(this.#options.path)),
        // Missing only where an earlier step was interrupted.
        this.#isAllowed ? null : ignoringNoNode(this.#session.getData(this.#options.path)),
      ]);
      return (data && this.#refusalBy(data)) ?? this.#placeAmong(children ?? []);
    }

    // One round trip: a server processes a session's requests in order, so the list of children,
    // read after the creation, includes the node.
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
      return this.#findPlace();
    }
    this.#node = { name: created.value.path.slice(this.#options.path.length + 1) };
    if (parent.status === 'rejected') throw parent.reason;
    if (children.status === 'rejected') throw children.reason;
    const refusal = parent.value && this.#refusalBy(parent.value);
    return refusal ?? this.#placeAmong(children.value ?? [], created.value.czxid);
  }

  #refusalBy(parent: NodeRead): string | null {
    const refusal = this.#options.refusal?.(parent.data) ?? null;
    this.#isAllowed = refusal === null;
    return refusal;
  }

  #placeAmong(children: readonly string[], createdZxid: bigint | null = null): PlaceInQueue {
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
   * The answer to the creation was lost: searches for the node by its GUID, but only after the
   * leader has confirmed a request on this session. A server that lags behind may not list it yet.
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
  // `ProtectedUtils`: `_c_`, a UUID and a dash, before the name.
  const parts = [guid.slice(0, 8), guid.slice(8, 12), guid.slice(12, 16), guid.slice(16, 20)];
  const uuid = [...parts, guid.slice(20)].join('-');
  return `_c_${uuid}${CURATOR_MARK}`;
}
