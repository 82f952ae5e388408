/**
 * A simulated socket by the interface of src/platform/tcp.ts, for the code under test. Its events
 * come from the simulation's queue, never from within a call of the code under test.
 */
import { EventEmitter } from 'node:events';
import type { ServerSocket } from '../../../src/platform/tcp.ts';
import type { SimulatedProcess } from '../kernel/process.ts';
import type { EndOfConnection, Endpoint } from './connection.ts';
import type { Network } from './network.ts';

export interface SocketTarget {
  readonly host: string;
  readonly port: number;
}

type State =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open'; readonly endpoint: Endpoint<Buffer> }
  | { readonly kind: 'destroyed' };

/** The probability that bytes arrive in two parts. */
const SPLIT = 0.03;

export class SimulatedSocket extends EventEmitter implements ServerSocket {
  readonly #process: SimulatedProcess;
  #state: State = { kind: 'connecting' };

  constructor(network: Network, process: SimulatedProcess, { host, port }: SocketTarget) {
    super();
    this.#process = process;
    network.connect<Buffer>(
      process,
      { host, port: String(port), traffic: 'client' },
      {
        onConnected: (endpoint) => this.#connected(endpoint),
        onRefused: () => this.#failed('ECONNREFUSED'),
      },
    );
  }

  get destroyed(): boolean {
    return this.#state.kind === 'destroyed';
  }

  /** Takes a copy: the caller may wipe the bytes once `onTaken` was called. */
  write(bytes: Uint8Array, onTaken?: () => void): boolean {
    if (this.#state.kind === 'open') {
      const copy = Buffer.from(bytes);
      const { endpoint } = this.#state;
      if (copy.length > 1 && this.#process.random.chance(SPLIT)) {
        const at = 1 + this.#process.random.below(copy.length - 1);
        endpoint.send(copy.subarray(0, at));
        endpoint.send(copy.subarray(at));
      } else {
        endpoint.send(copy);
      }
    }
    if (onTaken !== undefined) this.#later(onTaken);
    return this.#state.kind === 'open';
  }

  destroy(): this {
    const state = this.#state;
    if (state.kind === 'destroyed') return this;
    this.#state = { kind: 'destroyed' };
    if (state.kind === 'open') state.endpoint.close();
    this.#later(() => this.emit('close'));
    return this;
  }

  #connected(endpoint: Endpoint<Buffer>): void {
    if (this.destroyed) return endpoint.close();
    this.#state = { kind: 'open', endpoint };
    endpoint.listen({
      onItem: (bytes) => this.#emit('data', bytes),
      onClosed: (reason) => this.#closed(reason),
    });
    this.#emit('connect');
  }

  #closed(reason: EndOfConnection): void {
    if (this.destroyed) return;
    if (reason === 'reset') return this.#failed('ECONNRESET');
    this.#state = { kind: 'destroyed' };
    this.#emit('close');
  }

  #failed(code: string): void {
    if (this.destroyed) return;
    this.#state = { kind: 'destroyed' };
    this.#emit('error', Object.assign(new Error(code), { code }));
    this.#emit('close');
  }

  #emit(event: string, ...values: unknown[]): void {
    this.#process.simulation.awaken();
    this.emit(event, ...values);
  }

  #later(run: () => void): void {
    this.#process.post(0, () => {
      this.#process.simulation.awaken();
      run();
    });
  }
}
