/**
 * A queue between the machine and its observers, delivered a moment later. A transition may release
 * a lock or open a gate, and observers would delay that.
 */
export class DeferredQueue<Transition> {
  readonly #delayMs: number;
  readonly #deliver: (transition: Transition) => void;
  #waiting: Transition[] = [];

  constructor(delayMs: number, deliver: (transition: Transition) => void) {
    this.#delayMs = delayMs;
    this.#deliver = deliver;
  }

  push(transition: Transition): void {
    if (this.#waiting.length === 0) setTimeout(() => this.flush(), this.#delayMs);
    this.#waiting.push(transition);
  }

  /** Delivers everything now, in order. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const transition of waiting) this.#deliver(transition);
  }
}
