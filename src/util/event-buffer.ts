/** Events for one listener, buffered until it is attached. */

export class EventBuffer<Event> {
  #listener: ((event: Event) => void) | null = null;
  readonly #buffered: Event[] = [];

  emit(event: Event): void {
    if (this.#listener === null) this.#buffered.push(event);
    else this.#listener(event);
  }

  /** Delivers the buffered events at once. Replaces an earlier listener. */
  listen(listener: (event: Event) => void): void {
    this.#listener = listener;
    for (const event of this.#buffered.splice(0)) listener(event);
  }
}
