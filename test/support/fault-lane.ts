/**
 * One direction of one proxied connection: a queue of the received bytes, forwarded when the
 * proxy's treatment allows it. Bytes are delayed, dropped or cut off, but never changed or
 * reordered.
 */

import type { Socket } from 'node:net';
import { FrameTracker } from './frames.ts';

export type Direction = 'toServer' | 'toClient';

/** The current treatment of a direction. */
export interface Treatment {
  readonly flow: 'pass' | 'hold' | 'drop';
  readonly delayMs: number;
}

export interface Traffic {
  /** Bytes from the sender, forwarded or not. */
  arrived: number;
  /** Forwarded bytes. */
  bytes: number;
  /** ZooKeeper frames whose last byte was forwarded. */
  packets: number;
}

interface Arrival {
  readonly data: Buffer | 'end' | 'reset';
  /** By performance.now(). */
  readonly dueAtMs: number;
}

export interface LaneOptions {
  readonly treatment: () => Treatment;
  /** The far side, opened on the first call. */
  readonly destination: () => Socket;
  readonly traffic: Traffic;
  readonly onTraffic: () => void;
  /** Resets both sides of the connection. */
  readonly resetBoth: () => void;
}

export class FaultLane {
  readonly #options: LaneOptions;
  readonly #frames = new FrameTracker();
  #queue: Arrival[] = [];
  #timer: NodeJS.Timeout | undefined;
  #cutAfterBytes: number | undefined;
  #onCut: () => void = () => {};
  /** True if a part of the frame that will be cut has been forwarded. */
  #isCutting = false;
  #closed = false;
  /** True if bytes were dropped: the connection must be reset, as TCP never skips bytes. */
  lossy = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  arrive(data: Arrival['data']): void {
    if (this.#closed) return;
    const { flow, delayMs } = this.#options.treatment();
    if (flow === 'drop') this.lossy = true;
    else this.#queue.push({ data, dueAtMs: performance.now() + delayMs });
    if (typeof data !== 'string') this.#options.traffic.arrived += data.length;
    this.pump();
    this.#options.onTraffic();
  }

  /** Forwards what may pass and is due; called again when the treatment changes. */
  pump(): void {
    clearTimeout(this.#timer);
    while (this.#options.treatment().flow === 'pass') {
      const next = this.#queue[0];
      if (next === undefined) return;
      const waitMs = next.dueAtMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), waitMs);
        return;
      }
      this.#queue.shift();
      this.#deliver(next.data);
    }
  }

  /** Cuts the connection after `bytes` of the next frame have been forwarded. */
  cutInto(bytes: number, onCut: () => void): void {
    this.#cutAfterBytes = bytes;
    this.#isCutting = false;
    this.#onCut = onCut;
  }

  cancelCut(): void {
    this.#cutAfterBytes = undefined;
  }

  /** Discards the queue and all further bytes. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #deliver(data: Arrival['data']): void {
    if (data === 'reset') this.#options.resetBoth();
    else if (data === 'end') this.#options.destination().end();
    else if (this.#cutAfterBytes === undefined) this.#forward(data);
    else this.#forwardUntilCut(data, this.#cutAfterBytes);
  }

  #forwardUntilCut(bytes: Buffer, cutAfterBytes: number): void {
    // Inside a frame that began earlier, or inside the one that is being cut.
    const before = this.#isCutting ? 0 : this.#frames.bytesUntilBoundary(bytes);
    if (before > 0) this.#forward(bytes.subarray(0, before));
    const rest = bytes.subarray(before);
    if (rest.length === 0) return;
    this.#isCutting = true;
    const part = rest.subarray(0, cutAfterBytes);
    this.#cutAfterBytes = cutAfterBytes - part.length;
    if (this.#cutAfterBytes > 0) {
      this.#forward(part);
      return;
    }
    this.#count(part);
    // The end of the stream, and not a reset: a reset could overtake these last bytes.
    this.#options.destination().end(part);
    this.#onCut();
  }

  #forward(bytes: Buffer): void {
    this.#options.destination().write(bytes);
    this.#count(bytes);
    this.#options.onTraffic();
  }

  #count(bytes: Buffer): void {
    const completedBefore = this.#frames.completed;
    this.#frames.push(bytes);
    this.#options.traffic.bytes += bytes.length;
    this.#options.traffic.packets += this.#frames.completed - completedBefore;
  }
}
