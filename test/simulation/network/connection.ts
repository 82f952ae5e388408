/**
 * Two ends of a TCP connection between simulated processes. An end carries bytes to clients and
 * packets between members: the faults are the same.
 */
import type { SimulatedProcess } from '../kernel/process.ts';
import { type Link, Pipe } from './link.ts';

export type EndOfConnection = 'closed by the other side' | 'reset';

type Segment<T> =
  | { readonly kind: 'item'; readonly item: T }
  | { readonly kind: 'end'; readonly reason: EndOfConnection };

export interface EndpointEvents<T> {
  onItem(item: T): void;
  onClosed(reason: EndOfConnection): void;
}

export class Endpoint<T> {
  readonly process: SimulatedProcess;
  /** The other side's host. */
  readonly remoteHost: string;
  #events: EndpointEvents<T> | null = null;
  #peer: Endpoint<T> | null = null;
  readonly #outgoing: Pipe<Segment<T>>;
  /** Arrived, but not handled: the process is stopped. */
  readonly #inbox: Segment<T>[] = [];
  #isOpen = true;
  #isResetMidway = false;
  #stopWatching: () => void = () => {};

  private constructor(process: SimulatedProcess, remoteHost: string, outgoing: Link) {
    this.process = process;
    this.remoteHost = remoteHost;
    this.#outgoing = new Pipe(outgoing, (segment) => this.#sendToPeer(segment));
  }

  static pair<T>(
    from: { readonly process: SimulatedProcess; readonly link: Link },
    to: { readonly process: SimulatedProcess; readonly link: Link },
  ): readonly [Endpoint<T>, Endpoint<T>] {
    const one = new Endpoint<T>(from.process, to.process.host.name, from.link);
    const other = new Endpoint<T>(to.process, from.process.host.name, to.link);
    one.#peer = other;
    other.#peer = one;
    for (const end of [one, other]) end.#stopWatching = end.process.onEnd(() => end.close());
    return [one, other];
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Handles what has arrived before, too. */
  listen(events: EndpointEvents<T>): void {
    this.#events = events;
    for (const _ of this.#inbox) this.process.enter(() => this.#handle());
  }

  send(item: T): void {
    if (!this.#isOpen) return;
    if (this.#isResetMidway) return this.#sendPart(item);
    this.#outgoing.send({ kind: 'item', item });
  }

  /** The other side notices when what was sent before has arrived. */
  close(): void {
    if (!this.#isOpen) return;
    this.#closed();
    this.#outgoing.send({ kind: 'end', reason: 'closed by the other side' });
  }

  /**
   * The next bytes that this side sends arrive in part, and then the connection is reset. Packets
   * between members are lost whole.
   */
  resetMidway(): void {
    this.#isResetMidway = true;
  }

  /**
   * Something in between resets the connection: both sides notice at once, and what is under way is
   * lost.
   */
  reset(): void {
    for (const end of [this, this.#peer]) {
      if (end === null || !end.#isOpen) continue;
      end.#outgoing.close();
      end.#receive({ kind: 'end', reason: 'reset' });
    }
  }

  #sendPart(item: T): void {
    if (item instanceof Buffer && item.length > 1) {
      const part = item.subarray(0, 1 + this.process.random.below(item.length - 1));
      this.#outgoing.send({ kind: 'item', item: part as T & Buffer });
    }
    this.#outgoing.send({ kind: 'end', reason: 'reset' });
    this.#receive({ kind: 'end', reason: 'reset' });
  }

  #sendToPeer(segment: Segment<T>): void {
    if (this.#peer !== null) this.#peer.#arrived(segment);
  }

  #arrived(segment: Segment<T>): void {
    if (this.#isOpen) return this.#receive(segment);
    // Data for a connection that this side has closed: the kernel answers with RST.
    if (segment.kind === 'item') this.#outgoing.send({ kind: 'end', reason: 'reset' });
  }

  #receive(segment: Segment<T>): void {
    this.#inbox.push(segment);
    if (this.#events !== null) this.process.enter(() => this.#handle());
  }

  #handle(): void {
    const next = this.#isOpen ? this.#inbox.shift() : undefined;
    if (next === undefined) return;
    if (next.kind === 'item') {
      this.#events?.onItem(next.item);
      return;
    }
    this.#closed();
    this.#events?.onClosed(next.reason);
  }

  #closed(): void {
    this.#isOpen = false;
    this.#inbox.length = 0;
    this.#stopWatching();
  }
}
