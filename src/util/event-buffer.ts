/** Where events come out: for whoever listens, or kept until somebody does. */

export class EventBuffer<Event> {
  #listener: ((event: Event) => void) | null = null;
  readonly #kept: Event[] = [];

  tell(event: Event): void {
    if (this.#listener === null) this.#kept.push(event);
    else this.#listener(event);
  }

  /** Told at once what was kept; from here on nobody else is. */
  listen(listener: (event: Event) => void): void {
    this.#listener = listener;
    for (const event of this.#kept.splice(0)) listener(event);
  }
}
