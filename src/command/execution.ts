/**
 * One execution of the command: parks it behind a gate, guards, starts and stops it, and proves
 * that it has ended. The command does not start before a guard has echoed a deadline that is far
 * away (except with --no-guard); the guard is notified of the opening before the gate.
 * command.stopped is never emitted while a process of the command lives. Decides nothing about
 * locks.
 */
import type { CommandEvent, GrantInfo, LeaseInfo, StopReport } from '../../machines/contract.ts';
import type { CommandExit } from '../../machines/outcome.ts';
import { killDeadlines } from '../util/deadlines.ts';
import {
  type ExecutionParts,
  type GateKeeperPart,
  type GuardKeeperPart,
  REAL_PARTS,
} from './execution-parts.ts';
import type { ExecutionState } from './execution-state.ts';
import { DEFAULT_SHELL } from './gate/gate-starter.ts';
import { markerOf } from './gate/preparation.ts';
import { guardShells } from './guard/guard.ts';
import { lastKillBefore, scanMsNow, uptimeDeadline } from './guard/guard-deadline.ts';
import * as facts from './guard/guard-facts.ts';
import type { SupervisorOptions } from './options.ts';
import { RunningCommand } from './running-command.ts';

export class Execution {
  readonly #options: SupervisorOptions;
  readonly #emit: (event: CommandEvent) => void;
  readonly #gate: GateKeeperPart;
  readonly #guard: GuardKeeperPart;
  #state: ExecutionState = { name: 'idle' };

  constructor(
    options: SupervisorOptions,
    emit: (event: CommandEvent) => void,
    parts: ExecutionParts = REAL_PARTS,
  ) {
    this.#options = options;
    this.#emit = emit;
    this.#gate = parts.newGateKeeper(options, {
      onGate: (gate, init) => {
        facts.setGate(this.#guard, gate, init);
        // Before the gate enters it: a gate that is not parked is never opened, and ends with us.
        facts.setCgroup(this.#guard, this.#gate.directory);
      },
      onParked: () => this.#parked(),
      onStarted: (pid) => emit({ type: 'command.started', pid }),
      onGateLost: () => this.#gateLost(),
      onFailed: (exitCode, message) => this.#fail(exitCode, message),
      onExited: (exit) => this.#command?.exited(exit),
      onEmpty: () => this.#command?.emptied(),
      onClosed: () => this.#gateClosed(),
    });
    const { clock, log, shell } = options;
    this.#guard = parts.newGuardKeeper(
      options.guard,
      {
        shells: shell === undefined ? guardShells(DEFAULT_SHELL) : [shell],
        ...{ clock, log },
        scanMs: () => this.#scanMs(),
      },
      {
        onArmed: () => this.#proceed(),
        onFailed: (message) => this.#guardFailed(message),
        onFiring: () => this.#guardFired(),
      },
    );
  }

  get state(): ExecutionState['name'] {
    return this.#state.name;
  }

  /** Pid of the guard; null: none is running. */
  get guardPid(): number | null {
    return this.#guard.pid;
  }

  /** Starts the gate first: entering its cgroup can take the kernel ten milliseconds. */
  park(): void {
    if (this.#state.name !== 'idle') return;
    this.#state = { name: 'shut', arming: 'unwanted', lease: null, grant: null };
    this.#gate.park();
    facts.setInitialFacts(this.#guard, this.#options.reaper ?? [], markerOf(this.#options));
    this.#guard.start();
    const { problem } = this.#gate;
    if (problem !== null) this.#emit({ type: 'command.unresolved', message: problem });
  }

  /** Answered with command.armed; at once if the guard has echoed this lease already. */
  arm(lease: LeaseInfo): void {
    if (this.#state.name === 'shut') {
      this.#state = { ...this.#state, arming: 'wanted' };
      this.#gate.lookUpAgain();
    }
    this.extend(lease);
  }

  start(grant: GrantInfo): void {
    if (this.#state.name !== 'shut') return;
    this.#state = { ...this.#state, grant };
    this.#proceed();
  }

  extend(lease: LeaseInfo): void {
    const state = this.#state;
    switch (state.name) {
      case 'shut':
        this.#state = { ...state, lease };
        // The guard may have fired while there was only a gate.
        this.#guard.renew();
        this.#guard.extendIfNear(lease);
        return this.#proceed();
      case 'opened':
        this.#state = { ...state, lease };
        facts.setProcesses(this.#guard, this.#gate.scope?.record() ?? []);
        return this.#guard.extend(lease);
      case 'idle':
      case 'failed':
      case 'closing':
      case 'over':
      case 'released':
        return;
    }
  }

  signal(signal: string): void {
    this.#gate.signal(signal as NodeJS.Signals);
  }

  /**
   * SIGTERM, then SIGKILL after the grace; no process is left at `deadline` (null: no deadline).
   */
  stop(graceMs: number, deadline: number | null): void {
    const state = this.#state;
    switch (state.name) {
      case 'idle':
      case 'shut':
      case 'failed':
      case 'closing':
        this.#state = { name: 'closing' };
        return this.#gate.close();
      case 'opened': {
        this.#gate.close();
        const isBounded = deadline !== null;
        const lastKillAt = isBounded ? lastKillBefore(deadline, state.lease, this.#scanMs()) : null;
        return state.command.stop(graceMs, lastKillAt);
      }
      case 'over':
      case 'released':
        return;
    }
  }

  /** One line for the reaper's stdin; empty: there is no session to close. */
  setSessionToClose(credentials: string): void {
    if (this.#options.reaper !== null) facts.setCredentials(this.#guard, credentials);
  }

  /** Sends SIGKILL to all processes now; the guard kills those that do not die at once. */
  dispose(): void {
    const { name } = this.#state;
    this.#command?.cancel();
    if (name === 'over' || name === 'released') return this.#release();
    this.#state = { name: 'over' };
    this.#gate.dispose();
    this.#guard.abandon();
  }

  get #command(): RunningCommand | null {
    return this.#state.name === 'opened' ? this.#state.command : null;
  }

  /** 0 with an init, which needs no scan. A cgroup does need one: processes may have left it. */
  #scanMs(): number {
    return this.#gate.hasInit ? 0 : scanMsNow();
  }

  #parked(): void {
    facts.setCgroup(this.#guard, this.#gate.directory);
    facts.setMarks(this.#guard, this.#gate.marks);
    // The guard may have been armed for an earlier gate: it is armed again, with these facts.
    if (this.#state.name === 'shut' && this.#state.lease !== null) this.extend(this.#state.lease);
  }

  /** Emits command.armed and opens the gate, each as soon as its conditions are met. */
  #proceed(): void {
    this.#reportArmed();
    // The machine may have reacted to command.armed already.
    const state = this.#state;
    if (state.name !== 'shut' || state.arming !== 'done' || !this.#isReady) return;
    const { lease, grant } = state;
    if (lease !== null && grant !== null) this.#open(lease, grant);
  }

  #reportArmed(): void {
    const state = this.#state;
    if (state.name !== 'shut' || state.arming !== 'wanted' || state.lease === null) return;
    if (!this.#isReady) return;
    this.#state = { ...state, arming: 'done' };
    const scope = this.#gate.scope?.name ?? '';
    this.#emit({ type: 'command.armed', guarded: this.#options.guard, scope });
  }

  get #isReady(): boolean {
    return this.#gate.isParked && this.#guard.isArmed;
  }

  #open(lease: LeaseInfo, grant: GrantInfo): void {
    const { clock, log, killAfterMs, leftovers = 'stop' } = this.#options;
    const { scope } = this.#gate;
    const scanMs = this.#scanMs();
    if (clock.now() >= killDeadlines(lease, scanMs).guardFiresAt) {
      return log('warn', 'the lease ended before the command was started: waiting for a new lease');
    }
    if (scope === null) throw new Error('a parked gate has a scope');
    // Notify the guard first: from here on, it kills the command when the deadline passes.
    this.#guard.opening(lease);
    if (!this.#gate.open(grant, uptimeDeadline(lease, scanMs))) return;
    const command = new RunningCommand(
      { scope, clock, killAfterMs, leftovers },
      {
        onExited: (exit, byGuard) => this.#emit({ type: 'command.exited', exit, byGuard }),
        onUnkillable: (processes, unknown) => this.#unkillable(processes, unknown),
        onDone: (exit, how) => this.#finish(exit, how),
      },
    );
    this.#state = { name: 'opened', lease, grant, command };
  }

  /** Another gate will be parked. If this one was opened too late, the next one will be opened. */
  #gateLost(): void {
    const state = this.#state;
    if (state.name !== 'opened') return;
    state.command.cancel();
    const { lease, grant } = state;
    this.#state = { name: 'shut', arming: 'done', lease, grant };
  }

  #unkillable(processes: readonly string[], unknown: string | null): void {
    this.#emit({ type: 'command.unkillable', processes, ...(unknown !== null && { unknown }) });
  }

  /** No gate is left, and none has become the command, even if one was opened. */
  #gateClosed(): void {
    this.#command?.cancel();
    this.#finish(null, { means: 'none', stragglers: [] });
  }

  #finish(exit: CommandExit | null, how: StopReport): void {
    this.#state = { name: 'over' };
    this.#emit({ type: 'command.stopped', exit, how });
    // Release the lock first: other contenders wait for it.
    setImmediate(() => this.#release());
  }

  /** Everything has ended: removes what was created for the command. */
  #release(): void {
    if (this.#state.name === 'released') return;
    this.#state = { name: 'released' };
    this.#guard.dismiss();
    this.#gate.release();
  }

  #fail(exitCode: 125 | 126 | 127, message: string): void {
    const { name } = this.#state;
    if (name !== 'shut' && name !== 'opened') return;
    this.#command?.cancel();
    this.#state = { name: 'failed' };
    this.#emit({ type: 'command.failed', exitCode, message });
  }

  #guardFired(): void {
    const state = this.#state;
    if (state.name !== 'shut' && state.name !== 'opened') return;
    this.#options.log('error', 'lease not renewed in time: the guard is killing the command');
    if (state.name === 'opened') state.command.guardFired();
    // The guard may be replaced before it has killed the gate, which must not be used again.
    else this.#gate.replace();
  }

  #guardFailed(message: string): void {
    const state = this.#state;
    switch (state.name) {
      case 'shut':
        if (state.arming === 'unwanted') return this.#options.log('warn', message);
        return this.#fail(125, message);
      case 'opened':
        // A command that is being stopped also ends without a guard.
        if (state.command.state !== 'stopping') this.#emit({ type: 'guard.failed', message });
        return;
      case 'idle':
      case 'failed':
      case 'closing':
      case 'over':
      case 'released':
        return;
    }
  }
}
