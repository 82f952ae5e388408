/**
 * The record of a simulation: a hash over all that happened, which is the same for the same seed,
 * and the newest lines for the report of a failure.
 */

export interface TraceOptions {
  /** Number of newest lines that are kept; 0, the default, keeps none and is the fastest. */
  readonly lines?: number;
}

export class Trace {
  readonly #max: number;
  readonly #lines: string[] = [];
  #low = 0x811c9dc5;
  #high = 0x01000193;
  #events = 0;

  constructor({ lines = 0 }: TraceOptions = {}) {
    this.#max = lines;
  }

  get events(): number {
    return this.#events;
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    const digits = (value: number) => (value >>> 0).toString(16).padStart(8, '0');
    return digits(this.#high) + digits(this.#low);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** `at` in milliseconds; `number` and `detail` as the source likes. */
  note(at: number, source: string, what: string, number = 0, detail = ''): void {
    this.#events += 1;
    this.#mix(Math.round(at * 1000) | 0);
    this.#mixText(source);
    this.#mixText(what);
    this.#mix(number | 0);
    if (detail !== '') this.#mixText(detail);
    if (this.#max === 0) return;
    this.#lines.push(`${at.toFixed(3)} ${source} ${what} ${number} ${detail}`.trimEnd());
    if (this.#lines.length >= 2 * this.#max) this.#lines.splice(0, this.#max);
  }

  /** An event runs at this time. Part of the hash only. */
  step(at: number): void {
    this.#mix(Math.round(at * 1000) | 0);
  }

  #mixText(text: string): void {
    let low = this.#low;
    for (let at = 0; at < text.length; at += 1) {
      low = Math.imul(low ^ text.charCodeAt(at), 0x01000193);
    }
    this.#low = low;
    this.#mix(text.length);
  }

  /** Two chains of FNV-1a, the second over the first. */
  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193);
    this.#high = Math.imul(this.#high ^ this.#low, 0x85ebca6b) ^ (this.#high >>> 13);
  }
}
