/**
 * Reads and watches our contender node: it must exist and belong to this session, and its deletion
 * lets the next contender acquire the lock. Decides nothing.
 */
import type { Attachment, Confirmation, OwnerSession, Stat } from './client.ts';

/** The last state of the node that was read, while its watch is set and has not fired. */
interface KnownNode {
  readonly path: string;
  readonly czxid: bigint;
  readonly on: Attachment | null;
}

export interface VerifiedNode {
  readonly confirmation: Confirmation;
  /** The zxid that created the node; null: it is gone, or belongs to another session. */
  readonly czxid: bigint | null;
}

export class OwnNode {
  readonly #session: OwnerSession;
  readonly #onChange: (path: string) => void;
  #seen: KnownNode | null = null;

  /** `onChange`: called at most once per read, if the node has been deleted or has changed. */
  constructor(session: OwnerSession, onChange: (path: string) => void) {
    this.#session = session;
    this.#onChange = onChange;
  }

  /**
   * Resolves to null if there is no such node. From now on, changes are reported. Rejects with
   * RequestError.
   */
  async read(path: string): Promise<Stat | null> {
    // Not paced, even if other clients keep changing the node: a pause would delay the report of
    // its deletion, after which another contender gets the lock. Costs one request for each change.
    const on = this.#session.attached;
    let hasChanged = false;
    const stat = await this.#session.exists(path, () => {
      // May run before the code after the await: answer and event can arrive together.
      hasChanged = true;
      this.#seen = null;
      this.#onChange(path);
    });
    if (stat === null || !this.isOurs(stat)) this.#seen = null;
    else if (!hasChanged && on === this.#session.attached) {
      this.#seen = { path, czxid: stat.czxid, on };
    }
    return stat;
  }

  /**
   * Reads the node together with a leader-confirmed check, in one round trip: the server answers in
   * order. Resolves to null if the attachment has changed meanwhile: then the result proves nothing
   * about the current one. Rejects with RequestError.
   */
  async verify(path: string): Promise<VerifiedNode | null> {
    const on = this.#session.attached;
    const [confirmation, stat] = await Promise.all([this.#session.check(path), this.read(path)]);
    if (on !== this.#session.attached) return null;
    return { confirmation, czxid: stat !== null && this.isOurs(stat) ? stat.czxid : null };
  }

  /** The zxid that created the node, if it was read on this attachment and is unchanged since. */
  seen(path: string): bigint | null {
    const seen = this.#seen;
    return seen?.path === path && seen.on === this.#session.attached ? seen.czxid : null;
  }

  /** False for a node of another session, even with our name: it does not make us a holder. */
  isOurs(stat: Stat): boolean {
    return stat.ephemeralOwner === this.#session.id;
  }
}
