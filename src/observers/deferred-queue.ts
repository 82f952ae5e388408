/**
 * Those who look on are told a moment later: right now a lock may be on its way to somebody else, or a
 * gate about to be opened, and each word of theirs would make that take longer.
 */
export class Onlookers<Sight> {
  readonly #laterMs: number;
  readonly #tell: (sight: Sight) => void;
  #seen: Sight[] = [];

  constructor(laterMs: number, tell: (sight: Sight) => void) {
    this.#laterMs = laterMs;
    this.#tell = tell;
  }

  see(sight: Sight): void {
    if (this.#seen.length === 0) setTimeout(() => this.tellAll(), this.#laterMs);
    this.#seen.push(sight);
  }

  /** At once, in order. */
  tellAll(): void {
    const seen = this.#seen;
    this.#seen = [];
    for (const sight of seen) this.#tell(sight);
  }
}
