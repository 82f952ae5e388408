/**
 * The network between simulated hosts: listeners, connections, and links with their
 * faults.
 */
import type { SimulatedProcess } from '../kernel/process.ts';
import type { Simulation } from '../kernel/simulation.ts';
import { Endpoint } from './connection.ts';
import { type Delay, Link, LOCAL_NETWORK } from './link.ts';

/** Kinds of traffic, so that a fault can concern one of them. */
export type Traffic = 'client' | 'quorum' | 'election' | 'observer';

const TRAFFIC: readonly Traffic[] = ['client', 'quorum', 'election', 'observer'];

type Accept = (endpoint: Endpoint<unknown>) => void;

interface Listener {
  readonly process: SimulatedProcess;
  readonly accept: Accept;
}

export interface ConnectEvents<T> {
  onConnected(endpoint: Endpoint<T>): void;
  onRefused(): void;
}

export class Network {
  readonly simulation: Simulation;
  readonly #listeners = new Map<string, Listener>();
  readonly #links = new Map<string, Link>();
  readonly #endpoints = new Set<Endpoint<unknown>>();
  readonly #delay: Delay;
  #pruneAt = 64;

  constructor(simulation: Simulation, delay: Delay = LOCAL_NETWORK) {
    this.simulation = simulation;
    this.#delay = delay;
  }

  link(from: string, to: string, traffic: Traffic): Link {
    const name = `${from}>${to} ${traffic}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new Link(this.simulation, name, this.#delay);
      this.#links.set(name, link);
    }
    return link;
  }

  /** All links from one host to another. */
  linksBetween(from: string, to: string, traffic: readonly Traffic[] = TRAFFIC): Link[] {
    return traffic.map((each) => this.link(from, to, each));
  }

  /** `port`: any text. The listener goes when its process ends. */
  listen<T>(process: SimulatedProcess, port: string, accept: (end: Endpoint<T>) => void): void {
    const key = `${process.host.name}:${port}`;
    const listener: Listener = { process, accept: accept as Accept };
    this.#listeners.set(key, listener);
    process.onEnd(() => {
      if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
    });
  }

  /** Stops listening. */
  unlisten(host: string, port: string): void {
    this.#listeners.delete(`${host}:${port}`);
  }

  /**
   * Three-way handshake: SYN and its answer travel as data does. Calls nothing back before it
   * returns.
   */
  connect<T>(
    process: SimulatedProcess,
    target: { readonly host: string; readonly port: string; readonly traffic: Traffic },
    events: ConnectEvents<T>,
  ): void {
    const { host, port, traffic } = target;
    const there = this.link(process.host.name, host, traffic);
    const back = this.link(host, process.host.name, traffic);
    travel(there, () => {
      const listener = this.#listeners.get(`${host}:${port}`);
      if (listener === undefined || listener.process.hasEnded) {
        travel(back, () => process.enter(() => events.onRefused()));
        return;
      }
      const [own, other] = Endpoint.pair<T>(
        { process, link: there },
        { process: listener.process, link: back },
      );
      this.#remember(own as Endpoint<unknown>);
      this.#remember(other as Endpoint<unknown>);
      // The kernel accepts, also for a process that is stopped.
      travel(back, () => process.enter(() => events.onConnected(own)));
      listener.process.enter(() => listener.accept(other as Endpoint<unknown>));
    });
  }

  #remember(endpoint: Endpoint<unknown>): void {
    this.#endpoints.add(endpoint);
    if (this.#endpoints.size < this.#pruneAt) return;
    for (const each of this.#endpoints) if (!each.isOpen) this.#endpoints.delete(each);
    this.#pruneAt = 64 + 2 * this.#endpoints.size;
  }

  /** The open connections between two hosts are reset; what is under way is lost. */
  reset(one: string, other: string): void {
    for (const end of this.#endsOf(one, other)) end.reset();
  }

  /**
   * On each connection between the hosts, delivers a part of what `from` sends next, then resets.
   */
  resetMidway(from: string, to: string): void {
    for (const end of this.#endsOf(from, to)) end.resetMidway();
  }

  #endsOf(at: string, remote: string): Endpoint<unknown>[] {
    return [...this.#endpoints].filter(
      (end) => end.isOpen && end.process.host.name === at && end.remoteHost === remote,
    );
  }
}

/** A packet without an order among others. */
function travel(link: Link, arrive: () => void): void {
  link.simulation.schedule(link.drawDelayMs(), () => {
    if (link.isOpen) arrive();
    else link.whenOpen(() => travel(link, arrive));
  });
}
