/**
 * The command from the opening of its gate to the proof that none of its processes is left. Stops
 * it on request, and stops its leftover processes. Independent of gates, guards and leases.
 */
import type { StopReport } from '../../machines/contract.ts';
import type { CommandExit } from '../../machines/outcome.ts';
import type { Clock } from '../util/clock.ts';
import type { ProcessScope } from './processes/scope.ts';
import { Termination } from './processes/termination.ts';

/** Time for processes that outlive the first one to exit by themselves before they are stopped. */
export const SETTLING_MS = 1000;

export interface RunningCommandOptions {
  readonly scope: ProcessScope;
  readonly clock: Clock;
  /** Grace between SIGTERM and SIGKILL for processes that outlive the first one. */
  readonly killAfterMs: number;
  /** 'await': wait for processes that outlive the first one, and stop them only on request. */
  readonly leftovers: 'stop' | 'await';
}

export interface RunningCommandEvents {
  /** The first process has ended; `byGuard`: the guard killed it. */
  readonly onExited: (exit: CommandExit, byGuard: boolean) => void;
  /** `unknown`: the reason if it is unknown whether other processes are left; null: it is known. */
  readonly onUnkillable: (processes: readonly string[], unknown: string | null) => void;
  /** No process is left. */
  readonly onDone: (exit: CommandExit | null, how: StopReport) => void;
}

type State =
  | { readonly name: 'running' }
  /** The first process has ended; the others may exit by themselves until the timer fires. */
  | { readonly name: 'settling'; readonly exit: CommandExit; readonly timer: unknown }
  /** The first process has ended; the others are waited for, or stopped. */
  | { readonly name: 'draining'; readonly exit: CommandExit }
  /** A stop was requested; null: the first process is alive. */
  | { readonly name: 'stopping'; readonly exit: CommandExit | null }
  | { readonly name: 'over' };

export class RunningCommand {
  readonly #options: RunningCommandOptions;
  readonly #events: RunningCommandEvents;
  readonly #termination: Termination;
  #state: State = { name: 'running' };
  #guard: 'watching' | 'fired' = 'watching';

  constructor(options: RunningCommandOptions, events: RunningCommandEvents) {
    this.#options = options;
    this.#events = events;
    this.#termination = new Termination({
      scope: options.scope,
      clock: options.clock,
      hasExited: () => exitOf(this.#state) !== null,
      isPatient: options.leftovers === 'await',
      onUnkillable: events.onUnkillable,
      onDone: (means, outlived) => this.#done(means, outlived),
    });
  }

  get state(): State['name'] {
    return this.#state.name;
  }

  /** The first process has ended. */
  exited(exit: CommandExit): void {
    const state = this.#state;
    switch (state.name) {
      case 'running':
        this.#state = this.#afterExit(exit);
        break;
      case 'stopping':
        if (state.exit !== null) return;
        this.#state = { name: 'stopping', exit };
        break;
      case 'settling':
      case 'draining':
      case 'over':
        return;
    }
    // The event handler may request a stop.
    this.#events.onExited(exit, this.#guard === 'fired' && exit.signal?.name === 'SIGKILL');
    this.#termination.check();
  }

  /**
   * SIGTERM now, SIGKILL after the grace or at `lastKillAt` (of the clock; null: no such bound).
   */
  stop(graceMs: number, lastKillAt: number | null): void {
    const state = this.#state;
    const { clock } = this.#options;
    switch (state.name) {
      case 'settling':
        // The other processes keep their time to exit by themselves.
        if (graceMs > 0 && lastKillAt === null) return;
        clock.clearTimeout(state.timer);
        this.#state = { name: 'stopping', exit: state.exit };
        break;
      case 'running':
        this.#state = { name: 'stopping', exit: null };
        break;
      case 'draining':
      case 'stopping':
        this.#state = { name: 'stopping', exit: state.exit };
        break;
      case 'over':
        return;
    }
    const killAt = Math.min(clock.now() + graceMs, lastKillAt ?? Number.POSITIVE_INFINITY);
    this.#termination.request(killAt);
  }

  /** The init has no descendants any more. */
  emptied(): void {
    switch (this.#state.name) {
      case 'settling':
      case 'draining':
      case 'stopping':
        return this.#termination.check();
      case 'running':
      case 'over':
        return;
    }
  }

  /** The guard is killing everything. */
  guardFired(): void {
    this.#guard = 'fired';
  }

  /** No event follows. */
  cancel(): void {
    const state = this.#state;
    if (state.name === 'settling') this.#options.clock.clearTimeout(state.timer);
    this.#state = { name: 'over' };
    this.#termination.cancel();
  }

  #afterExit(exit: CommandExit): State {
    const { leftovers, clock } = this.#options;
    if (leftovers === 'await') return { name: 'draining', exit };
    const timer = clock.setTimeout(() => this.#settled(exit), SETTLING_MS);
    return { name: 'settling', exit, timer };
  }

  #settled(exit: CommandExit): void {
    this.#state = { name: 'draining', exit };
    this.#termination.request(this.#options.clock.now() + this.#options.killAfterMs);
  }

  #done(sent: 'none' | 'SIGTERM' | 'SIGKILL', stragglers: readonly string[]): void {
    const exit = exitOf(this.#state);
    const means = sent === 'none' ? 'exited' : sent;
    this.cancel();
    this.#events.onDone(exit, { means: this.#guard === 'fired' ? 'SIGKILL' : means, stragglers });
  }
}

/** How the first process ended; null: it is alive. */
function exitOf(state: State): CommandExit | null {
  switch (state.name) {
    case 'settling':
    case 'draining':
    case 'stopping':
      return state.exit;
    case 'running':
    case 'over':
      return null;
  }
}
