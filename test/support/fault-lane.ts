/**
 * One direction of one proxied connection: a queue of what arrived, let through when the proxy says
 * so. What arrives is never changed and never overtaken: it waits, is lost, or is cut off.
 */

import type { Socket } from 'node:net';
import { FrameTracker } from './frames.ts';

export type Direction = 'toServer' | 'toClient';

/** What the proxy does to a direction at the moment. */
export interface Treatment {
  readonly flow: 'pass' | 'hold' | 'drop';
  readonly delayMs: number;
}

export interface Traffic {
  /** Bytes that came from the sender, let through or not. */
  arrived: number;
  /** Bytes that were let through. */
  bytes: number;
  /** ZooKeeper frames whose last byte was let through. */
  packets: number;
}

interface Arrival {
  readonly what: Buffer | 'end' | 'reset';
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
  /** Whether a part of the frame that is to be cut has gone through. */
  #doomed = false;
  #closed = false;
  /** Whether bytes were lost: the stream can't go on, as TCP would never let it. */
  lossy = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  arrive(what: Arrival['what']): void {
    if (this.#closed) return;
    const { flow, delayMs } = this.#options.treatment();
    if (flow === 'drop') this.lossy = true;
    else this.#queue.push({ what, dueAtMs: performance.now() + delayMs });
    if (typeof what !== 'string') this.#options.traffic.arrived += what.length;
    this.pump();
    this.#options.onTraffic();
  }

  /** Lets through what may pass and is due; called again when the treatment changes. */
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
      this.#deliver(next.what);
    }
  }

  /** Cuts the connection once `bytes` of the next frame to begin have gone through. */
  cutInto(bytes: number, onCut: () => void): void {
    this.#cutAfterBytes = bytes;
    this.#doomed = false;
    this.#onCut = onCut;
  }

  cancelCut(): void {
    this.#cutAfterBytes = undefined;
  }

  /** Forgets what is queued, and what is yet to come. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #deliver(what: Arrival['what']): void {
    if (what === 'reset') this.#options.resetBoth();
    else if (what === 'end') this.#options.destination().end();
    else if (this.#cutAfterBytes === undefined) this.#forward(what);
    else this.#forwardUntilCut(what, this.#cutAfterBytes);
  }

  #forwardUntilCut(bytes: Buffer, cutAfterBytes: number): void {
    // Inside a frame that began earlier, or inside the doomed one of which we have sent a part.
    const before = this.#doomed ? 0 : this.#frames.bytesUntilBoundary(bytes);
    if (before > 0) this.#forward(bytes.subarray(0, before));
    const rest = bytes.subarray(before);
    if (rest.length === 0) return;
    this.#doomed = true;
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
