/**
 * Hosts with a clock each, and the processes on them. A process that is stopped (SIGSTOP, a pause
 * of a garbage collector) does nothing until it is resumed; its events wait until then.
 */
import type { Random } from '../../support/random.ts';
import type { ScheduledEvent } from './event-queue.ts';
import type { Simulation } from './simulation.ts';

/** Milliseconds of the simulation's time before which a host has booted, at most. */
const MAX_UPTIME_MS = 1_000_000;

export interface HostOptions {
  /** Milliseconds of the host's clock per millisecond of the simulation; 1 when not given. */
  readonly clockRate?: number;
}

export class SimulatedHost {
  readonly name: string;
  readonly simulation: Simulation;
  readonly processes = new Set<SimulatedProcess>();
  #rate: number;
  /** The clock's value at `#since`. */
  #base: number;
  #since: number;
  #wallOffsetMs: number;
  #suspendedMs = 0;
  #suspendedAt: number | null = null;

  constructor(simulation: Simulation, name: string, { clockRate = 1 }: HostOptions = {}) {
    this.simulation = simulation;
    this.name = name;
    this.#rate = clockRate;
    const random = simulation.random(`host ${name}`);
    this.#base = Math.floor(random.between(1000, MAX_UPTIME_MS));
    this.#since = simulation.now;
    this.#wallOffsetMs = Date.UTC(2026, 0, 1) + random.between(-50, 50);
  }

  get isSuspended(): boolean {
    return this.#suspendedAt !== null;
  }

  /** Milliseconds since boot; goes on while the host is suspended (CLOCK_BOOTTIME). */
  uptime(): number {
    return this.#base + (this.simulation.now - this.#since) * this.#rate;
  }

  /** Without the time for which the host was suspended (CLOCK_MONOTONIC). */
  monotonic(): number {
    return (this.#suspendedAt ?? this.uptime()) - this.#suspendedMs;
  }

  /** Milliseconds since 1970, as far as the host knows. */
  wallTime(): number {
    return this.uptime() + this.#wallOffsetMs;
  }

  /** Milliseconds of the simulation for this number of this host's clock. */
  simulated(hostMs: number): number {
    return hostMs / this.#rate;
  }

  setClockRate(rate: number): void {
    this.#base = this.uptime();
    this.#since = this.simulation.now;
    this.#rate = rate;
  }

  /**
   * The clock of the host jumps: by a few milliseconds, since it is read in hundredths of a second.
   */
  stepClock(ms: number): void {
    this.#base += ms;
  }

  /** The wall clock is set, by hand or by NTP. */
  stepWallClock(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** The host sleeps: its processes do nothing, and its timers do not advance. */
  suspend(): void {
    if (this.#suspendedAt !== null) return;
    this.#suspendedAt = this.uptime();
    for (const process of this.processes) process.pause();
  }

  wake(): void {
    if (this.#suspendedAt === null) return;
    this.#suspendedMs += this.uptime() - this.#suspendedAt;
    this.#suspendedAt = null;
    for (const process of this.processes) process.resume();
  }
}

type State =
  | { readonly kind: 'running' }
  | { readonly kind: 'paused'; readonly backlog: (() => void)[] }
  | { readonly kind: 'ended' };

const RUNNING: State = { kind: 'running' };

export class SimulatedProcess {
  readonly host: SimulatedHost;
  readonly name: string;
  readonly random: Random;
  #state: State = RUNNING;
  readonly #onEnd = new Set<() => void>();

  constructor(host: SimulatedHost, name: string) {
    this.host = host;
    this.name = name;
    this.random = host.simulation.random(`process ${name}`);
    host.processes.add(this);
  }

  get simulation(): Simulation {
    return this.host.simulation;
  }

  get isRunning(): boolean {
    return this.#state.kind === 'running';
  }

  get hasEnded(): boolean {
    return this.#state.kind === 'ended';
  }

  /** Runs something of this process after so many milliseconds of the simulation. */
  post(delayMs: number, run: () => void): ScheduledEvent {
    return this.simulation.schedule(delayMs, () => this.enter(run));
  }

  /** Runs something of this process: now, when it is resumed, or never if it has ended. */
  enter(run: () => void): void {
    switch (this.#state.kind) {
      case 'running':
        return run();
      case 'paused':
        this.#state.backlog.push(run);
        return;
      case 'ended':
        return;
    }
  }

  /** SIGSTOP, or a pause of the garbage collector. */
  pause(): void {
    if (this.#state.kind === 'running') this.#state = { kind: 'paused', backlog: [] };
  }

  /** What came due meanwhile runs at once, in an order that the seed decides. */
  resume(): void {
    const state = this.#state;
    if (state.kind !== 'paused') return;
    this.#state = RUNNING;
    for (const run of state.backlog) this.post(0, run);
  }

  /** SIGKILL. */
  end(): void {
    if (this.hasEnded) return;
    this.#state = { kind: 'ended' };
    this.host.processes.delete(this);
    for (const onEnd of [...this.#onEnd]) onEnd();
  }

  /** Calls `run` when the process ends. Returns a function that cancels this. */
  onEnd(run: () => void): () => void {
    this.#onEnd.add(run);
    return () => this.#onEnd.delete(run);
  }
}
