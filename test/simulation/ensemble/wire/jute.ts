/**
 * ZooKeeper's serialization (jute): `BinaryInputArchive` and `BinaryOutputArchive`. Zxids and times
 * are numbers below 2^53, session ids hexadecimal text.
 */
import type { SessionId } from './codes.ts';

const LENGTH_BYTES = 4;
const HIGH = 2 ** 32;

/** Throws RangeError where the bytes end too early, as `EOFException`. */
export class JuteInput {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** The bytes that have not been read. */
  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  int(): number {
    const value = this.#bytes.readInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  boolean(): boolean {
    const value = this.#bytes.readUInt8(this.#at) !== 0;
    this.#at += 1;
    return value;
  }

  long(): number {
    const high = this.int();
    const low = this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return high * HIGH + low;
  }

  sessionId(): SessionId {
    return this.#take(8).toString('hex');
  }

  /** null for a length of -1. */
  buffer(): Buffer | null {
    const length = this.int();
    return length < 0 ? null : this.#take(length);
  }

  text(): string {
    return this.buffer()?.toString('utf8') ?? '';
  }

  list<T>(read: () => T): T[] {
    const count = this.int();
    const items: T[] = [];
    for (let index = 0; index < count; index += 1) items.push(read());
    return items;
  }

  #take(length: number): Buffer {
    if (length > this.left) throw new RangeError('not so many bytes');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** One frame: begins with its length. Shared between frames: `finish` copies. */
export class JuteOutput {
  #bytes = Buffer.allocUnsafe(4096);
  #at = LENGTH_BYTES;

  /** Begins a new frame. */
  begin(): this {
    this.#at = LENGTH_BYTES;
    return this;
  }

  finish(): Buffer {
    this.#bytes.writeInt32BE(this.#at - LENGTH_BYTES, 0);
    return Buffer.from(this.#bytes.subarray(0, this.#at));
  }

  int(value: number): this {
    this.#need(4);
    this.#at = this.#bytes.writeInt32BE(value | 0, this.#at);
    return this;
  }

  boolean(value: boolean): this {
    this.#need(1);
    this.#at = this.#bytes.writeUInt8(value ? 1 : 0, this.#at);
    return this;
  }

  long(value: number): this {
    const high = Math.floor(value / HIGH);
    this.int(high);
    this.#need(4);
    this.#at = this.#bytes.writeUInt32BE(value - high * HIGH, this.#at);
    return this;
  }

  sessionId(id: SessionId): this {
    this.#need(8);
    this.#at += this.#bytes.write(id, this.#at, 8, 'hex');
    return this;
  }

  buffer(value: Buffer | null): this {
    if (value === null) return this.int(-1);
    this.int(value.length);
    this.#need(value.length);
    this.#at += value.copy(this.#bytes, this.#at);
    return this;
  }

  text(value: string): this {
    const length = Buffer.byteLength(value);
    this.int(length);
    this.#need(length);
    this.#at += this.#bytes.write(value, this.#at, length, 'utf8');
    return this;
  }

  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.int(items.length);
    for (const item of items) write(item);
    return this;
  }

  #need(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#at + more));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** Frames out of the bytes of a connection, without their lengths. */
export class FrameSplitter {
  #pending: Buffer | null = null;

  /** @throws RangeError for a length that no frame has (`NIOServerCnxn.readLength`) */
  push(bytes: Buffer, onFrame: (frame: Buffer) => void): void {
    let rest = this.#pending === null ? bytes : Buffer.concat([this.#pending, bytes]);
    this.#pending = null;
    while (rest.length >= LENGTH_BYTES) {
      const length = rest.readInt32BE(0);
      if (length < 0 || length > 0xfffff) throw new RangeError(`a frame of ${length} bytes`);
      if (rest.length < LENGTH_BYTES + length) break;
      onFrame(rest.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
      rest = rest.subarray(LENGTH_BYTES + length);
    }
    if (rest.length > 0) this.#pending = rest;
  }
}
