/**
 * Sessions that a learner has heard from since the leader's last ping (`LearnerSessionTracker`).
 * The answer to a ping names them. A learner accepts any session: only the leader knows whether it
 * lives.
 */
import type { Random } from '../../../support/random.ts';
import type { SessionId } from '../wire/codes.ts';

type Touches = Map<SessionId, number>;

export class TouchTable {
  readonly #random: Random;
  #current: Touches = new Map();
  /** Being written to the leader. */
  #handedOver: Touches | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * `touchTable.get().put(…)`: a thread that has read the reference before the exchange writes to
   * the table that is handed over, and the touch is lost if that entry of it has been written
   * already.
   */
  touch(session: SessionId, timeoutMs: number): void {
    const old = this.#handedOver;
    const outcome = old === null ? 0 : this.#random.fraction();
    if (outcome < 0.5) this.#current.set(session, timeoutMs);
    else if (outcome < 0.75) old?.set(session, timeoutMs);
  }

  remove(session: SessionId): void {
    this.#current.delete(session);
  }

  /** `touchTable.getAndSet(…)` */
  beginHandOver(): void {
    this.#handedOver = this.#current;
    this.#current = new Map();
  }

  endHandOver(): readonly (readonly [SessionId, number])[] {
    const touches = [...(this.#handedOver ?? [])];
    this.#handedOver = null;
    return touches;
  }
}
