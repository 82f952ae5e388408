/**
 * Those who look on are told once the turn is over: in it a lock may be on its way to somebody else, or
 * a gate about to be opened, and each word of theirs would make that later.
 */
export class Onlookers<Sight> {
  readonly #tell: (sight: Sight) => void;
  #seen: Sight[] = [];

  constructor(tell: (sight: Sight) => void) {
    this.#tell = tell;
  }

  see(sight: Sight): void {
    if (this.#seen.length === 0) setImmediate(() => this.tellAll());
    this.#seen.push(sight);
  }

  /** At once, in order. */
  tellAll(): void {
    const seen = this.#seen;
    this.#seen = [];
    for (const sight of seen) this.#tell(sight);
  }
}
