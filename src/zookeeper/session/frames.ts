/**
 * Frames out of a stream of bytes: a length of four bytes, then as many bytes
 * (`ClientCnxnSocketNIO.doIO`). Each byte is copied at most three times, however the stream is cut into
 * pieces, and memory grows with what has come, not with what is announced.
 */

const LENGTH_BYTES = 4;

export class FrameReader {
  /** What has come and is not taken yet. */
  #waiting: Buffer = Buffer.alloc(0);
  /** What `#waiting` is the beginning of: the rest is room for more. null: it is not ours to write to. */
  #room: Buffer | null = null;

  push(bytes: Buffer): void {
    if (this.#waiting.length === 0) {
      this.#waiting = bytes;
      this.#room = null;
      return;
    }
    const length = this.#waiting.length + bytes.length;
    if (this.#room === null || this.#room.length < length) {
      // Twice as large each time: what is copied into larger ones is less than what has come.
      this.#room = Buffer.allocUnsafeSlow(2 * length);
      this.#waiting.copy(this.#room);
    }
    bytes.copy(this.#room, this.#waiting.length);
    this.#waiting = this.#room.subarray(0, length);
  }

  /**
   * The next whole frame, with its length before it; null: more has to come. Throws where a frame
   * says that it has more than `maxBytes` bytes, or less than none.
   */
  next(maxBytes: number): Buffer | null {
    if (this.#waiting.length < LENGTH_BYTES) return null;
    const size = this.#waiting.readInt32BE(0);
    if (size < 0 || size > maxBytes) throw new Error(`a frame of ${size} bytes`);
    const end = LENGTH_BYTES + size;
    if (this.#waiting.length < end) return null;
    const frame = this.#waiting.subarray(0, end);
    this.#waiting = this.#waiting.subarray(end);
    // The frame is its reader's now: what comes next must not be written behind it.
    this.#room = null;
    return frame;
  }
}
