/** The order in which servers are tried: shuffled once, then in rounds. Pure. */
import type { Host } from '../../settings/access.ts';

export class HostRotation {
  readonly #order: Host[];
  /** Index at which the next round begins. */
  #next = 0;

  constructor(hosts: readonly Host[], random: () => number) {
    this.#order = [...hosts];
    for (let last = this.#order.length - 1; last > 0; last -= 1) {
      const other = Math.floor(random() * (last + 1));
      const [a, b] = [this.#order[last], this.#order[other]];
      if (a && b) [this.#order[last], this.#order[other]] = [b, a];
    }
  }

  /** Yields every host once, beginning after the last one that was yielded. */
  *round(): Generator<Host> {
    for (let tried = 0; tried < this.#order.length; tried += 1) {
      const host = this.#order[this.#next % this.#order.length];
      this.#next += 1;
      if (host) yield host;
    }
  }

  /** The next round begins after this host (`host:port`), so that it comes last. */
  avoid(name: string | null): void {
    const index = this.#order.findIndex((host) => hostName(host) === name);
    if (index >= 0) this.#next = index + 1;
  }
}

/** `db1:2181`, `[::1]:2181` */
export function hostName({ host, port }: Host): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
