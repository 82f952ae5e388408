/**
 * Request numbers (xids), unique over a session's life: over all its connections, and including the
 * reaper that may end it.
 *
 * A server matches a commit with the waiting request by session id and xid alone, and relies on
 * increasing xids (`CommitProcessor`: "request.cxid != topPending.cxid"). So a request with a
 * number that was used on an earlier connection can be answered by the commit of the older request,
 * which proves nothing about the newer one, and fails if the two have different types.
 * `org.apache.zookeeper.ClientCnxn` does not restart its xids either.
 */

/**
 * ZooKeeper counts them in 32 bits, signed; negative ones are reserved (`ClientCnxn`: PING_XID).
 */
const MAX_XID = 2 ** 31 - 1;
/** The first number of the reaper. At 100 requests a second, a session needs months to reach it. */
const FIRST_REAPER_XID = 2 ** 30;

export class RequestNumbers {
  #next: number;
  readonly #last: number;

  private constructor(first: number, last: number) {
    this.#next = first;
    this.#last = last;
  }

  /**
   * For the process that created the session. Not from 0: some servers treat 0 as being in flight.
   */
  static ofOwner(): RequestNumbers {
    return new RequestNumbers(1, FIRST_REAPER_XID - 1);
  }

  /** For the process that ends the session after its owner's death. */
  static ofReaper(): RequestNumbers {
    return new RequestNumbers(FIRST_REAPER_XID, MAX_XID);
  }

  get next(): number {
    return this.#next;
  }

  /** False if the numbers are exhausted: the session cannot send requests any more. */
  get hasNext(): boolean {
    return this.#next <= this.#last;
  }

  /** All numbers below this one were used. */
  usedBelow(next: number): void {
    this.#next = Math.max(this.#next, next);
  }
}
