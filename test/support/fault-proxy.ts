/**
 * A TCP proxy on loopback that misbehaves on demand, between a client and a ZooKeeper server (or
 * between two of them). It delays, drops or cuts the data, and never changes a byte.
 *
 * A fault applies to open connections and to new ones, until pass() or the next fault.
 */

import { EventEmitter, on, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Direction, FaultLane, type Traffic, type Treatment } from './fault-lane.ts';

export type { Direction, Traffic } from './fault-lane.ts';

export interface BlackholeOptions {
  /**
   * `hold`, the default: data sent meanwhile arrives after pass(), as if TCP had retransmitted it.
   * `drop`: it is lost, and pass() resets the connections that have lost data.
   */
  readonly bytes?: 'hold' | 'drop';
}

interface Mode {
  readonly toServer: Treatment;
  readonly toClient: Treatment;
  /** True if new connections are accepted but not served. */
  readonly stallNew: boolean;
}

const PASS: Treatment = { flow: 'pass', delayMs: 0 };
const PASSING: Mode = { toServer: PASS, toClient: PASS, stallNew: false };
const HELD: Treatment = { flow: 'hold', delayMs: 0 };

export async function startFaultProxy(targetHost: string, targetPort: number): Promise<FaultProxy> {
  const proxy = new FaultProxy(targetHost, targetPort);
  await proxy.listen();
  return proxy;
}

export class FaultProxy {
  readonly host = '127.0.0.1';
  readonly #target: { host: string; port: number };
  readonly #links = new Set<Link>();
  readonly #changes = new EventEmitter();
  readonly #counters = {
    accepted: 0,
    toServer: { arrived: 0, bytes: 0, packets: 0 },
    toClient: { arrived: 0, bytes: 0, packets: 0 },
  };
  #mode = PASSING;
  #listener: Server | undefined;
  #port = 0;

  constructor(host: string, port: number) {
    this.#target = { host, port };
  }

  /** The same after refuse() and pass(). */
  get port(): number {
    return this.#port;
  }

  get connectString(): string {
    return `${this.host}:${this.#port}`;
  }

  /** Since the start: received and forwarded data, and accepted connections. */
  get counters(): { accepted: number; toServer: Readonly<Traffic>; toClient: Readonly<Traffic> } {
    return structuredClone(this.#counters);
  }

  /** The number of open connections of clients. */
  connections(): number {
    return [...this.#links].filter((link) => link.open).length;
  }

  /**
   * Waits until `condition` holds; it is evaluated after each change of a connection and
   * after each transfer. Rejects after `timeoutMs`.
   */
  async until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs);
    const changes = on(this.#changes, 'change', { signal });
    try {
      while (!condition()) await changes.next();
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new Error(`not within ${timeoutMs} ms: ${condition}`, { cause: error });
    } finally {
      await changes.return?.();
    }
  }

  /** Ends every fault: held data is forwarded, and new connections are accepted again. */
  async pass(): Promise<void> {
    for (const link of [...this.#links]) if (link.lossy) link.reset();
    this.#switch(PASSING);
    for (const link of this.#links) link.heal();
    await this.listen();
  }

  /** Nothing gets through, in one direction or both; connections stay open. */
  async blackhole(direction: Direction | 'both', options: BlackholeOptions = {}): Promise<void> {
    const lost: Treatment = { flow: options.bytes ?? 'hold', delayMs: 0 };
    const toServer = direction === 'toClient' ? PASS : lost;
    const toClient = direction === 'toServer' ? PASS : lost;
    this.#switch({ toServer, toClient, stallNew: false });
    await this.listen();
  }

  /** Everything gets through, in one direction or each later by `ms`. */
  async delay(ms: number, direction: Direction | 'both' = 'both'): Promise<void> {
    const slow: Treatment = { flow: 'pass', delayMs: ms };
    const toServer = direction === 'toClient' ? PASS : slow;
    const toClient = direction === 'toServer' ? PASS : slow;
    this.#switch({ toServer, toClient, stallNew: false });
    await this.listen();
  }

  /** New connections are accepted and never answered, until pass(); open ones work. */
  async stallNew(): Promise<void> {
    this.#switch({ ...PASSING, stallNew: true });
    await this.listen();
  }

  /** Resets (RST) the connections that are open now; the treatment of new ones stays as it is. */
  reset(): void {
    for (const link of [...this.#links]) link.reset();
  }

  /** As if the server had died: open connections are reset, and new ones are refused. */
  async refuse(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    const closed = listener === undefined ? undefined : once(listener, 'close');
    listener?.close();
    this.reset();
    await closed;
  }

  /**
   * Cuts each open connection after `bytes` bytes of the next frame from its server, counted from
   * the frame's length prefix; a frame is never shorter than 20. Resolves when a connection is cut.
   */
  cutMidFrame(bytes = 6): Promise<void> {
    return new Promise((resolve) => {
      for (const link of this.#links) link.cutMidFrame(bytes, resolve);
    });
  }

  /** Resets all connections and stops listening. */
  async close(): Promise<void> {
    await this.refuse();
  }

  /** Does nothing if it listens already. */
  async listen(): Promise<void> {
    if (this.#listener) return;
    // Half-open: the end of one direction must pass through its lane like the bytes before it.
    const listener = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    this.#listener = listener;
    listener.listen(this.#port, this.host);
    await once(listener, 'listening');
    this.#port = (listener.address() as AddressInfo).port;
  }

  #switch(mode: Mode): void {
    this.#mode = mode;
    for (const link of this.#links) link.pump();
  }

  #accept(client: Socket): void {
    this.#counters.accepted++;
    const link = new Link(client, {
      stalled: this.#mode.stallNew,
      mode: () => this.#mode,
      target: this.#target,
      counters: this.#counters,
      onChange: () => this.#changes.emit('change'),
      onClosed: () => this.#links.delete(link),
    });
    this.#links.add(link);
    link.pump();
    this.#changes.emit('change');
  }
}

interface LinkOptions {
  readonly stalled: boolean;
  readonly mode: () => Mode;
  readonly target: { host: string; port: number };
  readonly counters: { toServer: Traffic; toClient: Traffic };
  readonly onChange: () => void;
  readonly onClosed: () => void;
}

/** A client's connection, and the proxy's own connection to the server. */
class Link {
  readonly #options: LinkOptions;
  readonly #client: Socket;
  readonly #toServer: FaultLane;
  readonly #toClient: FaultLane;
  #server: Socket | undefined;
  #stalled: boolean;

  constructor(client: Socket, options: LinkOptions) {
    this.#client = client;
    this.#options = options;
    this.#stalled = options.stalled;
    this.#toServer = this.#lane('toServer', () => this.#connected());
    this.#toClient = this.#lane('toClient', () => client);
    feed(client, this.#toServer);
    client.once('close', () => this.#closed());
  }

  /** True if the client's side is open; the server's side may still be, if the end is held back. */
  get open(): boolean {
    return !this.#client.closed;
  }

  get lossy(): boolean {
    return this.#toServer.lossy || this.#toClient.lossy;
  }

  pump(): void {
    if (this.#treatment('toServer').flow === 'pass') this.#connected();
    this.#toServer.pump();
    this.#toClient.pump();
  }

  heal(): void {
    this.#stalled = false;
    this.#toClient.cancelCut();
    this.pump();
  }

  reset(): void {
    this.#toServer.close();
    this.#toClient.close();
    this.#server?.resetAndDestroy();
    this.#client.resetAndDestroy();
  }

  cutMidFrame(bytes: number, onCut: () => void): void {
    this.#toClient.cutInto(bytes, () => {
      this.#toServer.close();
      this.#toClient.close();
      this.#server?.resetAndDestroy();
      onCut();
    });
  }

  #lane(direction: Direction, destination: () => Socket): FaultLane {
    return new FaultLane({
      treatment: () => this.#treatment(direction),
      destination,
      traffic: this.#options.counters[direction],
      onTraffic: this.#options.onChange,
      resetBoth: () => this.reset(),
    });
  }

  #treatment(direction: Direction): Treatment {
    return this.#stalled ? HELD : this.#options.mode()[direction];
  }

  /** Connects only when data may pass: the server must not see connections through a blackhole. */
  #connected(): Socket {
    if (this.#server === undefined) {
      this.#server = connect({ ...this.#options.target, allowHalfOpen: true });
      feed(this.#server, this.#toClient);
      this.#server.once('close', () => this.#closed());
    }
    return this.#server;
  }

  #closed(): void {
    if (this.#client.closed && (this.#server?.closed ?? true)) this.#options.onClosed();
    this.#options.onChange();
  }
}

/** Passes all events of a socket to its lane, including a reset. */
function feed(socket: Socket, lane: FaultLane): void {
  socket.setNoDelay(true);
  socket.on('data', (bytes) => lane.arrive(bytes));
  socket.once('end', () => lane.arrive('end'));
  socket.on('error', () => lane.arrive('reset'));
}
