/**
 * The node by which a session contends, as that session sees it: whether it stands, whether it is
 * ours, and a watch on it, since whoever deletes it lets the next contender in. Decides nothing.
 */
import type { Stat } from './session/requests.ts';
import type { Attachment, Session } from './session/session.ts';

export class OwnNode {
  readonly #session: Session;
  readonly #onChange: (path: string) => void;
  /** What was seen of it last, while nothing has changed since and the watch stands. */
  #seen: {
    readonly path: string;
    readonly czxid: bigint;
    readonly on: Attachment | null;
  } | null = null;

  /** `onChange`: a node that was looked at is gone, or is another; said once for each look. */
  constructor(session: Session, onChange: (path: string) => void) {
    this.#session = session;
    this.#onChange = onChange;
  }

  /** Null: none stands there. A change is told from here on. Rejects with RequestError. */
  async look(path: string): Promise<Stat | null> {
    // Without a pause, also where others keep changing the node: it would delay the news of its deletion,
    // by which another contender gets in. It costs one request for each of theirs.
    const on = this.#session.attached;
    let hasChanged = false;
    const stat = await this.#session.exists(path, () => {
      // It may come before we go on: both can arrive in one piece.
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

  /** The transaction that made the node, if it was seen on this attachment and has stood since. */
  seen(path: string): bigint | null {
    const seen = this.#seen;
    return seen?.path === path && seen.on === this.#session.attached ? seen.czxid : null;
  }

  /** A node of another session, however it is named, is not what we hold anything by. */
  isOurs(stat: Stat): boolean {
    return stat.ephemeralOwner === this.#session.id;
  }
}
