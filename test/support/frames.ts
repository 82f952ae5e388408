/**
 * Tracks the boundaries of ZooKeeper's frames in a stream of bytes: 4 bytes of length, big-endian,
 * then as many bytes (org.apache.zookeeper.server.NIOServerCnxn). Looks at no frame's content.
 */

const PREFIX_BYTES = 4;

export class FrameTracker {
  #prefix: number[] = [];
  #bodyBytesLeft = 0;
  /** Frames whose last byte has been seen. */
  completed = 0;

  /** True if the next byte is the first of a frame. */
  get atBoundary(): boolean {
    return this.#prefix.length === 0 && this.#bodyBytesLeft === 0;
  }

  /** The number of these bytes that belong to the current frame. Changes nothing. */
  bytesUntilBoundary(bytes: Buffer): number {
    const ahead = this.#copy();
    let count = 0;
    while (!ahead.atBoundary && count < bytes.length) {
      ahead.push(bytes.subarray(count, count + 1));
      count++;
    }
    return count;
  }

  push(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#bodyBytesLeft > 0) {
        const taken = Math.min(this.#bodyBytesLeft, rest.length);
        this.#bodyBytesLeft -= taken;
        rest = rest.subarray(taken);
        if (this.#bodyBytesLeft === 0) this.completed++;
      } else {
        this.#prefix.push(rest.readUInt8(0));
        rest = rest.subarray(1);
        if (this.#prefix.length === PREFIX_BYTES) this.#startBody();
      }
    }
  }

  #startBody(): void {
    this.#bodyBytesLeft = Buffer.from(this.#prefix).readUInt32BE(0);
    this.#prefix = [];
    if (this.#bodyBytesLeft === 0) this.completed++;
  }

  #copy(): FrameTracker {
    const copy = new FrameTracker();
    copy.#prefix = [...this.#prefix];
    copy.#bodyBytesLeft = this.#bodyBytesLeft;
    return copy;
  }
}
