/**
 * One direction between two hosts, for one kind of traffic. What is sent on one connection arrives
 * in the order of sending, after a delay that the seed decides, or not before a fault is over: TCP
 * repeats what gets lost.
 */
import type { Random } from '../../support/random.ts';
import type { Simulation } from '../kernel/simulation.ts';

/** Milliseconds that a packet travels. */
export interface Delay {
  readonly minMs: number;
  readonly maxMs: number;
}

export const LOCAL_NETWORK: Delay = { minMs: 0.1, maxMs: 0.6 };

export class Link {
  readonly name: string;
  readonly simulation: Simulation;
  readonly #random: Random;
  readonly #waiting = new Set<() => void>();
  #delay: Delay;
  #isOpen = true;

  constructor(simulation: Simulation, name: string, delay: Delay) {
    this.simulation = simulation;
    this.name = name;
    this.#random = simulation.random(`link ${name}`);
    this.#delay = delay;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** For what is sent from now on. */
  setDelay(delay: Delay): void {
    this.#delay = delay;
  }

  drawDelayMs(): number {
    return this.#random.between(this.#delay.minMs, this.#delay.maxMs);
  }

  /** Nothing arrives any more, including what was sent before. */
  hold(): void {
    this.#isOpen = false;
  }

  /** Everything that was held arrives now, in its order. */
  release(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const go of waiting) go();
  }

  /** Calls once, when the link is open again. */
  whenOpen(go: () => void): void {
    this.#waiting.add(go);
  }
}

/** The traffic of one connection in one direction. */
export class Pipe<T> {
  readonly #link: Link;
  readonly #deliver: (item: T) => void;
  #items: { readonly item: T; readonly readyAt: number }[] = [];
  #lastReadyAt = 0;
  #isMoving = false;
  #isClosed = false;

  constructor(link: Link, deliver: (item: T) => void) {
    this.#link = link;
    this.#deliver = deliver;
  }

  send(item: T): void {
    if (this.#isClosed) return;
    const { simulation } = this.#link;
    const readyAt = Math.max(this.#lastReadyAt, simulation.now + this.#link.drawDelayMs());
    this.#lastReadyAt = readyAt;
    this.#items.push({ item, readyAt });
    if (!this.#isMoving) this.#move();
  }

  /** Drops everything that has not arrived. */
  close(): void {
    this.#isClosed = true;
    this.#items = [];
  }

  #move(): void {
    const head = this.#items[0];
    this.#isMoving = head !== undefined;
    if (head === undefined) return;
    const { simulation } = this.#link;
    simulation.schedule(head.readyAt - simulation.now, () => this.#arrive());
  }

  #arrive(): void {
    if (!this.#link.isOpen) {
      this.#link.whenOpen(() => this.#move());
      return;
    }
    const head = this.#items.shift();
    if (head !== undefined) this.#deliver(head.item);
    this.#move();
  }
}
