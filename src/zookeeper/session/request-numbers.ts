/**
 * Request numbers (xids) that are unique over a session's life: over all its connections, and over
 * the reaper that may end it.
 *
 * A server matches what was committed with the request that waits for it by session id and xid alone,
 * and relies on xids that grow (`CommitProcessor`: "request.cxid != topPending.cxid"). A number that
 * is used again on the next connection can thus be answered by the commit of the older request, which
 * proves nothing about the newer one, and fails by itself where the two are of different types.
 * `org.apache.zookeeper.ClientCnxn` counts on over its connections as well.
 */

/** ZooKeeper counts them in 32 bits, signed; negative ones are reserved (`ClientCnxn`: PING_XID). */
const MAX_XID = 2 ** 31 - 1;
/** The reaper begins here. A session does not come so far: at 100 requests a second it takes months. */
const FIRST_REAPER_XID = 2 ** 30;

export class RequestNumbers {
  #next: number;
  readonly #last: number;

  private constructor(first: number, last: number) {
    this.#next = first;
    this.#last = last;
  }

  /** For the process that created the session. Not from 0: some servers count 0 as in flight. */
  static ofOwner(): RequestNumbers {
    return new RequestNumbers(1, FIRST_REAPER_XID - 1);
  }

  /** For the process that ends it in the owner's place. */
  static ofReaper(): RequestNumbers {
    return new RequestNumbers(FIRST_REAPER_XID, MAX_XID);
  }

  get next(): number {
    return this.#next;
  }

  /** Whether a number is left: a session without one can't ask for anything any more. */
  get areLeft(): boolean {
    return this.#next <= this.#last;
  }

  /** All below this one were used. */
  usedBelow(next: number): void {
    this.#next = Math.max(this.#next, next);
  }
}
