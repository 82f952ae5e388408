/**
 * Those who look on are told a moment later: right now a lock may be on its way to somebody else, or a
 * gate about to be opened, and each word of theirs would make that take longer.
 */
export class DeferredQueue<Transition> {
  readonly #laterMs: number;
  readonly #tell: (transition: Transition) => void;
  #seen: Transition[] = [];

  constructor(laterMs: number, tell: (transition: Transition) => void) {
    this.#laterMs = laterMs;
    this.#tell = tell;
  }

  push(transition: Transition): void {
    if (this.#seen.length === 0) setTimeout(() => this.tellAll(), this.#laterMs);
    this.#seen.push(transition);
  }

  /** At once, in order. */
  tellAll(): void {
    const seen = this.#seen;
    this.#seen = [];
    for (const transition of seen) this.#tell(transition);
  }
}
