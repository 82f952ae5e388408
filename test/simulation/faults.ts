/**
 * Faults of a simulated ensemble, its network and its hosts. Each lasts until it is ended; `heal`
 * ends all. The caller decides which fault happens when.
 */
import { hostOf } from './ensemble/config.ts';
import type { SimulatedEnsemble } from './ensemble/ensemble.ts';
import type { Member } from './ensemble/member.ts';
import type { SimulatedProcess } from './kernel/process.ts';
import { type Delay, type Link, LOCAL_NETWORK } from './network/link.ts';
import type { Network, Traffic } from './network/network.ts';

/** A member, or the name of a client's host. */
export type Place = Member | string;

export class Faults {
  readonly #network: Network;
  readonly #ensemble: SimulatedEnsemble;
  readonly #links = new Set<Link>();
  readonly #paused = new Set<SimulatedProcess>();

  constructor(network: Network, ensemble: SimulatedEnsemble) {
    this.#network = network;
    this.#ensemble = ensemble;
  }

  /**
   * One direction is cut: nothing arrives until `pass`, and the connections stay open. Then
   * everything that was sent arrives in its order: use it to deliver something late.
   */
  cut(from: Place, to: Place, traffic?: readonly Traffic[]): void {
    this.#each(from, to, traffic, (link) => link.hold());
  }

  /** Both directions. */
  cutBoth(one: Place, other: Place, traffic?: readonly Traffic[]): void {
    this.cut(one, other, traffic);
    this.cut(other, one, traffic);
  }

  /** Sets the delay of one direction. */
  slow(from: Place, to: Place, delay: Delay, traffic?: readonly Traffic[]): void {
    this.#each(from, to, traffic, (link) => link.setDelay(delay));
  }

  /** Ends `cut` and `slow` in one direction. */
  pass(from: Place, to: Place, traffic?: readonly Traffic[]): void {
    this.#each(from, to, traffic, (link) => {
      link.setDelay(LOCAL_NETWORK);
      link.release();
    });
  }

  /** The open connections between two places are reset; what is under way is lost. */
  reset(one: Place, other: Place): void {
    this.#network.reset(nameOf(one), nameOf(other));
  }

  /** Delivers a part of what is sent next in this direction, then resets the connection. */
  resetMidway(from: Place, to: Place): void {
    this.#network.resetMidway(nameOf(from), nameOf(to));
  }

  /** A process is stopped, or its garbage collector runs. */
  pause(process: SimulatedProcess): void {
    process.pause();
    this.#paused.add(process);
  }

  resume(process: SimulatedProcess): void {
    process.resume();
    this.#paused.delete(process);
  }

  /** The member is cut off from all others, in both directions; its clients reach it. */
  isolate(member: Member, traffic: readonly Traffic[] = ['quorum', 'election', 'observer']): void {
    for (const other of this.#ensemble.members) {
      if (other !== member) this.cutBoth(member, other, traffic);
    }
  }

  /** Ends all faults of links and pauses, and starts the members that are down. */
  heal(): void {
    for (const process of [...this.#paused]) this.resume(process);
    for (const link of this.#links) {
      link.setDelay(LOCAL_NETWORK);
      link.release();
    }
    this.#links.clear();
    for (const member of this.#ensemble.members) member.disk.stalledUntil = 0;
    this.#ensemble.start();
  }

  #each(
    from: Place,
    to: Place,
    traffic: readonly Traffic[] | undefined,
    change: (link: Link) => void,
  ): void {
    for (const link of this.#network.linksBetween(nameOf(from), nameOf(to), traffic)) {
      this.#links.add(link);
      change(link);
    }
  }
}

function nameOf(place: Place): string {
  return typeof place === 'string' ? place : hostOf(place.id);
}
