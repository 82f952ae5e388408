/**
 * Cuts a stream of bytes into frames: a length of four bytes, then as many bytes
 * (`ClientCnxnSocketNIO.doIO`). Each byte is copied at most three times, whatever the sizes of the
 * stream's pieces, and memory grows with the bytes received, not with the length announced.
 */

const LENGTH_BYTES = 4;

export class FrameReader {
  /** Received, and not returned yet. */
  #waiting: Buffer = Buffer.alloc(0);
  /**
   * The buffer that begins with `#waiting` and has free space after it. null: `#waiting` must not
   * be written to.
   */
  #room: Buffer | null = null;

  push(bytes: Buffer): void {
    if (this.#waiting.length === 0) {
      this.#waiting = bytes;
      this.#room = null;
      return;
    }
    const length = this.#waiting.length + bytes.length;
    if (this.#room === null || this.#room.length < length) {
      // Twice as large each time: the total copied is less than the total received.
      this.#room = Buffer.allocUnsafeSlow(2 * length);
      this.#waiting.copy(this.#room);
    }
    bytes.copy(this.#room, this.#waiting.length);
    this.#waiting = this.#room.subarray(0, length);
  }

  /**
   * The next complete frame, with its length before it; null: incomplete. Throws if its length is
   * negative or above `maxBytes`.
   */
  next(maxBytes: number): Buffer | null {
    if (this.#waiting.length < LENGTH_BYTES) return null;
    const size = this.#waiting.readInt32BE(0);
    if (size < 0 || size > maxBytes) throw new Error(`a frame of ${size} bytes`);
    const end = LENGTH_BYTES + size;
    if (this.#waiting.length < end) return null;
    const frame = this.#waiting.subarray(0, end);
    this.#waiting = this.#waiting.subarray(end);
    // The frame belongs to its reader now: nothing may be written behind it.
    this.#room = null;
    return frame;
  }
}
