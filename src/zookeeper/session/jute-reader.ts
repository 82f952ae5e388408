/**
 * Reads jute's basic types from one frame (`org.apache.jute.BinaryInputArchive`). Rejects a length
 * beyond the end of the frame, so the cost is limited by the frame's size. The library's decoder
 * accepts negative lengths, which move it backwards, and allocates any length that is announced.
 */

export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer';

  constructor(what: string) {
    super(`malformed answer: ${what}`);
  }
}

const NULL_LENGTH = -1;
const LENGTH_BYTES = 4;

/** Every method throws MalformedAnswer if the frame does not contain the value. */
export class JuteReader {
  readonly #frame: Buffer;
  #at: number;

  /** `at`: offset of the first byte to read. */
  constructor(frame: Buffer, at: number) {
    this.#frame = frame;
    this.#at = at;
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.#frame.length - this.#at;
  }

  int(): number {
    return this.#frame.readInt32BE(this.#advance(4));
  }

  /** 8 bytes, big endian; a copy. */
  long(): Buffer {
    return this.#copy(8);
  }

  boolean(): boolean {
    const value = this.#frame.readUInt8(this.#advance(1));
    if (value > 1) throw new MalformedAnswer(`a boolean of ${value}`);
    return value === 1;
  }

  /** A copy; null for a missing buffer, which differs from an empty one. */
  buffer(): Buffer | null {
    const length = this.int();
    return length === NULL_LENGTH ? null : this.#copy(length);
  }

  /** Never null: no answer has such a string. */
  string(): string {
    const length = this.int();
    const start = this.#advance(length);
    return this.#frame.toString('utf8', start, start + length);
  }

  strings(): string[] {
    const count = this.int();
    if (count < 0 || count * LENGTH_BYTES > this.left) {
      throw new MalformedAnswer(`a list of ${count} strings in ${this.left} bytes`);
    }
    const found: string[] = [];
    while (found.length < count) found.push(this.string());
    return found;
  }

  end(): void {
    if (this.left > 0) throw new MalformedAnswer(`${this.left} bytes too many`);
  }

  #copy(length: number): Buffer {
    const start = this.#advance(length);
    return Buffer.from(this.#frame.subarray(start, start + length));
  }

  /** Skips `length` bytes; returns their offset. */
  #advance(length: number): number {
    const start = this.#at;
    if (length < 0 || length > this.left) {
      throw new MalformedAnswer(`a length of ${length} where ${this.left} bytes are left`);
    }
    this.#at += length;
    return start;
  }
}
