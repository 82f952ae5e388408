/** At most one draw per frame, however many events arrive. */

export class FrameScheduler {
  readonly #draw: () => void;
  readonly #request: (callback: () => void) => unknown;
  #isRequested = false;

  constructor(draw: () => void, request: (callback: () => void) => unknown) {
    this.#draw = draw;
    this.#request = request;
  }

  request(): void {
    if (this.#isRequested) return;
    this.#isRequested = true;
    this.#request(() => {
      this.#isRequested = false;
      this.#draw();
    });
  }
}
