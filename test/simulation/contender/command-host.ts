/**
 * The command actor of a simulated host, by the contract of machines/contract.ts: a gate that opens
 * once a guard has echoed a deadline, processes with an init (so that all of them are known),
 * signals, forks and leftovers.
 */
import type {
  CommandCommand,
  CommandEvent,
  LeaseInfo,
  StopReport,
} from '../../../machines/contract.ts';
import { killDeadlines } from '../../../src/util/deadlines.ts';
import type { CommandActor } from '../../../src/wiring.ts';
import type { SimulatedProcess } from '../kernel/process.ts';
import type { ProcessClock } from '../kernel/process-clock.ts';
import { type CommandPlan, drawPlan } from './command-plan.ts';
import type { Execution, HostEvents } from './execution.ts';
import { SimulatedGuard } from './simulated-guard.ts';

/** How long an echo may take before the guard is replaced; milliseconds. */
const ECHO_MS = 1000;
/** From a signal to the end of a process that obeys it; milliseconds. */
const DEATH_MS = { min: 0.1, max: 8 } as const;

export interface CommandHostOptions {
  readonly process: SimulatedProcess;
  readonly clock: ProcessClock;
  readonly maxRunMs: () => number;
  readonly events: HostEvents;
}

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'shut'; isArmingWanted: boolean; token: bigint | null }
  | { readonly name: 'opening'; readonly token: bigint }
  | {
      readonly name: 'running';
      readonly execution: Execution;
      readonly plan: CommandPlan;
      means: StopReport['means'];
      killAt: number;
    };

export class CommandHost implements CommandActor {
  readonly ignoreHangup = false;
  readonly #options: CommandHostOptions;
  #emit: (event: CommandEvent) => void = () => {};
  #state: State = { name: 'idle' };
  #lease: LeaseInfo | null = null;
  #guard: SimulatedGuard | null = null;
  #echoed = Number.NEGATIVE_INFINITY;
  #sent = Number.NEGATIVE_INFINITY;
  #guards = 0;
  #executions = 0;

  constructor(options: CommandHostOptions) {
    this.#options = options;
    options.process.onEnd(() => this.#guard?.hangUp());
  }

  listen(emit: (event: CommandEvent) => void): void {
    this.#emit = emit;
  }

  get guard(): SimulatedGuard | null {
    return this.#guard;
  }

  get guardLeftMs(): number {
    return this.#echoed - this.#options.clock.now();
  }

  /** True while a process of the command lives, or its gate is being opened. */
  get mayBeAlive(): boolean {
    return this.#state.name === 'running' || this.#state.name === 'opening';
  }

  /** The reaper is not part of the simulation: the session of a lockex that died times out. */
  setSessionToClose(): void {}

  send(command: CommandCommand): void {
    switch (command.type) {
      case 'command.park':
        return this.#park();
      case 'command.arm':
        if (this.#state.name === 'shut') this.#state.isArmingWanted = true;
        return this.#extend(command.lease);
      case 'command.start':
        if (this.#state.name === 'shut') this.#state.token = BigInt(command.grant.fencingToken);
        return this.#proceed();
      case 'command.extend':
        return this.#extend(command.lease);
      case 'command.signal':
        return;
      case 'command.stop':
        return this.#stop(command.graceMs, command.deadline);
    }
  }

  dispose(): void {
    this.#kill();
    this.#guard?.dismiss();
  }

  #park(): void {
    if (this.#state.name !== 'idle') return;
    this.#state = { name: 'shut', isArmingWanted: false, token: null };
    this.#lease = null;
    this.#newGuard();
  }

  #newGuard(): void {
    const { process } = this.#options;
    this.#guard?.dismiss();
    this.#guards += 1;
    this.#echoed = Number.NEGATIVE_INFINITY;
    const guard: SimulatedGuard = new SimulatedGuard(
      process.host,
      `${process.name} guard ${this.#guards}`,
      {
        onEcho: (deadline) =>
          this.#later(() => {
            if (guard !== this.#guard) return;
            this.#echoed = Math.max(this.#echoed, deadline);
            this.#proceed();
          }),
        onFire: () => this.#fired(),
      },
    );
    this.#guard = guard;
    if (this.#lease !== null) this.#arm(this.#lease);
  }

  #extend(lease: LeaseInfo): void {
    if (this.#state.name === 'idle') return;
    this.#lease = lease;
    if (this.#state.name === 'running') {
      const { execution } = this.#state;
      execution.lease = lease;
      execution.latestEnd = Math.max(execution.latestEnd, lease.leaseEnd);
    }
    this.#arm(lease);
    this.#proceed();
  }

  #arm(lease: LeaseInfo): void {
    if (this.#guard?.hasFired === true && this.#state.name === 'shut') return this.#newGuard();
    const deadline = Math.floor(killDeadlines(lease, 0).guardFiresAt / 10) * 10;
    this.#sent = deadline;
    const guard = this.#guard;
    guard?.send(deadline);
    this.#options.clock.setTimeout(() => {
      const isCurrent = guard === this.#guard && this.#state.name !== 'idle';
      if (isCurrent && guard?.hasFired === false && this.#echoed < deadline) this.#newGuard();
    }, ECHO_MS);
  }

  #proceed(): void {
    const state = this.#state;
    if (state.name !== 'shut' || this.#lease === null || this.#echoed < this.#sent) return;
    const { clock } = this.#options;
    const { guardFiresAt } = killDeadlines(this.#lease, 0);
    if (state.isArmingWanted) {
      state.isArmingWanted = false;
      return this.#emit({ type: 'command.armed', guarded: true, scope: 'init' });
    }
    if (state.token === null || clock.now() >= guardFiresAt) return;
    const { token } = state;
    this.#state = { name: 'opening', token };
    // The gate compares the clock with the deadline once it has read its line, absolute as well.
    this.#kernel(this.#options.process.random.between(0.1, 5), () => this.#open(guardFiresAt));
  }

  #open(deadline: number): void {
    const { process, clock, maxRunMs, events } = this.#options;
    const state = this.#state;
    if (state.name !== 'opening' || this.#lease === null) return;
    const isLate = clock.now() >= deadline || process.hasEnded || this.#guard?.hasFired === true;
    if (isLate) {
      // Another gate is parked, and opened under a newer lease.
      this.#state = { name: 'shut', isArmingWanted: false, token: state.token };
      return;
    }
    this.#executions += 1;
    const plan = drawPlan(process.random, maxRunMs());
    const execution: Execution = {
      host: process.host,
      token: state.token,
      lease: this.#lease,
      latestEnd: this.#lease.leaseEnd,
      leftovers: plan.leftoverMs === null ? 0 : 1,
      isFirstAlive: true,
    };
    const killAt = Number.POSITIVE_INFINITY;
    this.#state = { name: 'running', execution, plan, means: 'exited', killAt };
    events.onBegun(execution);
    const pid = 100 + this.#executions;
    this.#later(() => this.#emit({ type: 'command.started', pid }));
    this.#kernel(plan.runMs, () => this.#firstEnds(execution, null, false));
  }

  #stop(graceMs: number, deadline: number | null): void {
    const state = this.#state;
    if (state.name !== 'running') {
      this.#state = { name: 'idle' };
      this.#guard?.dismiss();
      return this.#later(() => this.#emit(stopped('none', [])));
    }
    const { clock } = this.#options;
    const { lease } = state.execution;
    const { lastKillAt } = killDeadlines(lease, 0);
    const last =
      deadline === null ? Number.POSITIVE_INFINITY : deadline - lease.leaseEnd + lastKillAt;
    if (!state.plan.ignoresTerm && graceMs > 0) {
      state.means = 'SIGTERM';
      this.#dieSoon(state.execution, 15);
    }
    const killAt = Math.min(clock.now() + graceMs, last);
    if (killAt >= state.killAt) return;
    state.killAt = killAt;
    const kill = () => {
      if (this.#state === state) this.#kill();
    };
    return killAt <= clock.now() ? kill() : void clock.setTimeout(kill, killAt - clock.now());
  }

  #fired(): void {
    if (this.#state.name === 'opening') {
      this.#state = { name: 'shut', isArmingWanted: false, token: this.#state.token };
    }
    this.#kill(true);
  }

  /** SIGKILL to all of it, by the kernel: it works while lockex is stopped. */
  #kill(byGuard = false): void {
    const state = this.#state;
    if (state.name !== 'running') return;
    state.means = 'SIGKILL';
    this.#dieSoon(state.execution, 9, byGuard);
  }

  #dieSoon(execution: Execution, signal: number, byGuard = false): void {
    const { random } = this.#options.process;
    this.#kernel(random.between(DEATH_MS.min, DEATH_MS.max), () => {
      execution.leftovers = 0;
      this.#firstEnds(execution, signal, byGuard);
      this.#endedIfEmpty(execution);
    });
  }

  #firstEnds(execution: Execution, signal: number | null, byGuard: boolean): void {
    const state = this.#state;
    if (!execution.isFirstAlive || state.name !== 'running') return;
    execution.isFirstAlive = false;
    const exit =
      signal === null
        ? { code: 0, signal: null }
        : { code: null, signal: { name: `SIG${signal}`, number: signal } };
    this.#later(() => this.#emit({ type: 'command.exited', exit, byGuard }));
    this.#endedIfEmpty(execution);
    if (execution.leftovers === 0) return;
    this.#kernel(state.plan.leftoverMs ?? 0, () => {
      execution.leftovers = 0;
      this.#endedIfEmpty(execution);
    });
  }

  #endedIfEmpty(execution: Execution): void {
    const state = this.#state;
    if (execution.isFirstAlive || execution.leftovers > 0) return;
    if (state.name !== 'running' || state.execution !== execution) return;
    this.#state = { name: 'idle' };
    this.#options.events.onEnded(execution);
    this.#guard?.dismiss();
    this.#later(() => this.#emit(stopped(state.means, [])));
  }

  /** An event of this lockex, if it lives. */
  #later(run: () => void): void {
    const { process } = this.#options;
    process.post(process.random.between(0.01, 0.5), () => {
      process.simulation.awaken();
      run();
    });
  }

  /** An event of the command's processes: also while lockex is stopped, but not asleep. */
  #kernel(delayMs: number, run: () => void): void {
    const { host } = this.#options.process;
    host.simulation.schedule(host.simulated(delayMs), () => {
      if (host.isSuspended) this.#kernel(10, run);
      else run();
    });
  }
}

function stopped(means: StopReport['means'], stragglers: readonly string[]): CommandEvent {
  return { type: 'command.stopped', exit: null, how: { means, stragglers } };
}
