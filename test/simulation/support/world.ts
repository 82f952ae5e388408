/** A simulation with an ensemble and clients, for tests. */
import { type EnsembleOptions, hostOf } from '../ensemble/config.ts';
import { SimulatedEnsemble } from '../ensemble/ensemble.ts';
import type { Member } from '../ensemble/member.ts';
import { Faults } from '../faults.ts';
import { SimulatedHost, SimulatedProcess } from '../kernel/process.ts';
import { Simulation } from '../kernel/simulation.ts';
import { Network } from '../network/network.ts';
import { SimulatedSocket } from '../network/socket.ts';
import { RawClient } from './raw-client.ts';

export interface WorldOptions extends EnsembleOptions {
  readonly seed?: number;
  /** Lines of the trace to keep. */
  readonly traceLines?: number;
}

export class World {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly ensemble: SimulatedEnsemble;
  readonly faults: Faults;
  readonly #clientHosts = new Map<string, SimulatedProcess>();

  private constructor({ seed = 1, traceLines = 0, ...options }: WorldOptions) {
    this.simulation = new Simulation({ seed, trace: { lines: traceLines } });
    this.network = new Network(this.simulation);
    this.ensemble = new SimulatedEnsemble(this.network, options);
    this.faults = new Faults(this.network, this.ensemble);
  }

  /** All members serve when it resolves. */
  static async begin(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    world.ensemble.start();
    await world.ensemble.ready();
    return world;
  }

  /** A connection of a client on a host of that name. */
  connect(to: Member, hostName = 'client'): RawClient {
    const target = { host: hostOf(to.id), port: 2181 };
    return new RawClient(new SimulatedSocket(this.network, this.process(hostName), target));
  }

  process(hostName: string): SimulatedProcess {
    let process = this.#clientHosts.get(hostName);
    if (process === undefined) {
      process = new SimulatedProcess(new SimulatedHost(this.simulation, hostName), hostName);
      this.#clientHosts.set(hostName, process);
    }
    return process;
  }

  async wait<T>(promise: Promise<T>, what?: string): Promise<T> {
    return await this.simulation.wait(promise, what);
  }

  async pass(ms: number): Promise<void> {
    await this.simulation.run(ms);
  }
}
