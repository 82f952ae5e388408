/**
 * Our contender node as its session sees it: whether it exists, whether it belongs to this session,
 * and a watch on it, because its deletion lets the next contender in. Decides nothing.
 */
import type { Attachment, Confirmation, OwnerSession, Stat } from './client.ts';

/** The node as last read, while it has not changed since and its watch is set. */
interface Sighting {
  readonly path: string;
  readonly czxid: bigint;
  readonly on: Attachment | null;
}

export interface VerifiedNode {
  readonly confirmation: Confirmation;
  /** The zxid that created the node; null: it is gone, or another session's. */
  readonly czxid: bigint | null;
}

export class OwnNode {
  readonly #session: OwnerSession;
  readonly #onChange: (path: string) => void;
  #seen: Sighting | null = null;

  /** `onChange`: a node that was read has been deleted or has changed; at most once per read. */
  constructor(session: OwnerSession, onChange: (path: string) => void) {
    this.#session = session;
    this.#onChange = onChange;
  }

  /** null: no such node. Changes are reported from here on. Rejects with RequestError. */
  async look(path: string): Promise<Stat | null> {
    // Not paced, even where other clients keep changing the node: a pause would delay the news of
    // its deletion, by which another contender gets the lock. It costs one request for each change.
    const on = this.#session.attached;
    let hasChanged = false;
    const stat = await this.#session.exists(path, () => {
      // May run before the code behind the await: answer and event can arrive in one piece.
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
   * order. null: the attachment changed meanwhile, and what was read proves nothing about the
   * present one. Rejects with RequestError.
   */
  async verify(path: string): Promise<VerifiedNode | null> {
    const on = this.#session.attached;
    const [confirmation, stat] = await Promise.all([this.#session.check(path), this.look(path)]);
    if (on !== this.#session.attached) return null;
    return { confirmation, czxid: stat !== null && this.isOurs(stat) ? stat.czxid : null };
  }

  /** The zxid that created the node, if it was read on this attachment and is unchanged since. */
  seen(path: string): bigint | null {
    const seen = this.#seen;
    return seen?.path === path && seen.on === this.#session.attached ? seen.czxid : null;
  }

  /** False for a node of another session, whatever its name: it does not make us hold anything. */
  isOurs(stat: Stat): boolean {
    return stat.ephemeralOwner === this.#session.id;
  }
}
