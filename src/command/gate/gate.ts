/**
 * One gate: a shell that waits in a session of its own and becomes the command when it is opened.
 * Leases and guards are checked by the caller of `open`.
 */
import type { GrantInfo } from '../../../machines/contract.ts';
import type { CommandExit } from '../../../machines/outcome.ts';
import type { Clock } from '../../util/clock.ts';
import {
  type Descendants,
  DirectGateProcess,
  type GateProcess,
  type GateProcessEvents,
} from '../init/gate-process.ts';
import { InitGateProcess } from '../init/init.ts';
import type { InitRuntime } from '../init/init-runtime.ts';
import { joinLines, lineOf, lineSplitter } from '../line-protocol.ts';
import type { Identity } from '../options.ts';
import type { Init } from '../processes/scope.ts';
import { type EnvironmentPlan, envArguments } from './environment.ts';
import { GATE_SCRIPT, gateArguments, SLACK_VARIABLE } from './gate-script.ts';
import { type GateState, hasEnded, type ParkedGate, reportOf, wasOpened } from './gate-state.ts';

export interface GateOptions {
  /** The interpreter of its init; null: it has no init, and is a child of lockex. */
  readonly runtime: InitRuntime | null;
  readonly clock: Clock;
  readonly shell: readonly string[];
  readonly cwd: string | undefined;
  readonly plan: EnvironmentPlan;
  /** Path of `env`; null: there is none. */
  readonly env: string | null;
  /** The command's argv. */
  readonly argv: readonly string[];
  readonly ignoreHangup: boolean;
  /** cgroup.procs of the cgroup to enter, or null. */
  readonly entrance: string | null;
  /** The marks that it sets (inherited-marks.ts). */
  readonly limit: string;
  readonly slack: string | null;
}

export interface GateEvents {
  /** `identity` and `init` are known now; not called if they were known at once. */
  readonly onIdentified: () => void;
  readonly onParked: (how: ParkedGate) => void;
  /** It was opened, and has become the command. */
  readonly onStarted: () => void;
  /** It was opened, but the kernel did not execute the command. */
  readonly onRefused: (status: number) => void;
  /** Its process ended, in any state. If it was opened, onStarted or onRefused comes first. */
  readonly onExit: (exit: CommandExit) => void;
  /** Its process could not be started. */
  readonly onError: (error: NodeJS.ErrnoException) => void;
  /** The init does not work on this host. Nothing was started. */
  readonly onUnfit: (reason: string) => void;
  /** The init has no descendants any more. */
  readonly onEmpty: () => void;
  /** The init ended unexpectedly: its descendants have to be killed. */
  readonly onInitLost: () => void;
}

export class Gate {
  readonly #process: GateProcess;
  readonly #events: GateEvents;
  #state: GateState = { name: 'starting', report: null };

  constructor(options: GateOptions, events: GateEvents) {
    this.#events = events;
    const { runtime, clock, cwd, plan, slack } = options;
    const env = slack === null ? plan.gate : { ...plan.gate, [SLACK_VARIABLE]: slack };
    const processOptions = { argv: argvOf(options), cwd, env };
    const processEvents = this.#processEvents();
    this.#process =
      runtime === null
        ? new DirectGateProcess(processOptions, processEvents)
        : new InitGateProcess(runtime, processOptions, clock, processEvents);
  }

  /** Its parent, which adopts every orphan of the command; null: it has no init. */
  get init(): Identity | null {
    return this.#process.init;
  }

  /** State of the init's descendants, which include the command. */
  get descendants(): Descendants {
    return this.#process.descendants;
  }

  /** The init in the form that the command's scope needs. */
  get asInit(): Init | null {
    const { init } = this;
    if (init === null) return null;
    const states = { some: 'populated', none: 'empty', unknown: 'gone' } as const;
    return {
      identity: init,
      state: () => states[this.descendants],
      killAll: () => this.#process.kill(),
    };
  }

  /**
   * The process of the gate, later of the command; null before it is known, or if it was never
   * started.
   */
  get identity(): Identity | null {
    return this.#process.identity;
  }

  get isParked(): boolean {
    return this.#state.name === 'parked';
  }

  /** True once it is opened, unless it failed to become the command. */
  get wasOpened(): boolean {
    return wasOpened(this.#state);
  }

  /** Its process has been reaped, and its pid may be reused. */
  get hasEnded(): boolean {
    return hasEnded(this.#state);
  }

  /**
   * `until`: centiseconds of /proc/uptime. The gate does not open after that: lockex may have been
   * stopped after it read the clock. null: the host has no such clock.
   *
   * @throws TypeError if the grant is not text of one line each; the gate stays parked
   */
  open({ fencingToken, path }: GrantInfo, until: number | null): void {
    const lines = [fencingToken, path, until === null ? '' : String(until)];
    const text = joinLines(lines.map(lineOf));
    this.#state = { name: 'opening', exit: null };
    this.#process.send(text);
  }

  /** Sends SIGKILL in any state. A gate that was not opened can't be opened any more. */
  kill(): void {
    const { name } = this.#state;
    if (name === 'starting' || name === 'parked') this.#state = { name: 'doomed' };
    if (!this.hasEnded) this.#process.kill();
  }

  /** All processes have ended, or the init has to kill the rest. Then the init exits. */
  release(): void {
    this.#process.release();
  }

  #processEvents(): GateProcessEvents {
    return {
      onIdentified: () => {
        this.#events.onIdentified();
        this.#parkIfReady();
      },
      onText: lineSplitter((line) => this.#onLine(line)),
      onClosed: () => this.#closed(),
      onExit: (exit) => this.#exited(exit),
      onError: (error) => {
        this.#state = { name: 'failed' };
        this.#events.onError(error);
      },
      onUnfit: (reason) => {
        this.#state = { name: 'failed' };
        this.#events.onUnfit(reason);
      },
      onInitLost: () => this.#events.onInitLost(),
      onEmpty: () => this.#events.onEmpty(),
    };
  }

  #onLine(line: string): void {
    const state = this.#state;
    const [kind, ...rest] = line.split(' ');
    if (kind === 'parked' && state.name === 'starting') {
      this.#state = { name: 'starting', report: reportOf(rest) };
      this.#parkIfReady();
    } else if (kind === 'failed' && state.name === 'opening') {
      this.#state = { ...state, name: 'refused' };
      this.#events.onRefused(Number(rest[0]));
    } else if (kind === 'late' && state.name === 'opening') {
      this.#state = { ...state, name: 'late' };
    }
  }

  #parkIfReady(): void {
    const state = this.#state;
    if (state.name !== 'starting' || state.report === null || this.identity === null) return;
    this.#state = { name: 'parked' };
    this.#events.onParked(state.report);
  }

  /** The socket is closed by exec, or by the end of the process, which may be reported later. */
  #closed(): void {
    const state = this.#state;
    switch (state.name) {
      case 'opening':
        this.#state = { ...state, name: 'started' };
        this.#events.onStarted();
        if (state.exit !== null) this.#end(state.exit, true);
        return;
      case 'starting':
      case 'parked':
      case 'doomed':
        this.#state = { name: 'doomed' };
        // Before it is identified, its init exits by itself and reports the reason.
        if (this.identity !== null) this.kill();
        return;
      case 'refused':
      case 'late':
        this.kill();
        if (state.exit !== null) this.#end(state.exit, false);
        return;
      case 'started':
      case 'ended':
      case 'failed':
        return;
    }
  }

  #exited(exit: CommandExit): void {
    const state = this.#state;
    switch (state.name) {
      case 'opening':
        // The lines that are still in the socket show whether it had become the command.
        this.#state = { name: 'opening', exit };
        return;
      case 'started':
        return this.#end(exit, true);
      case 'starting':
      case 'parked':
      case 'doomed':
      case 'refused':
      case 'late':
        return this.#end(exit, false);
      case 'ended':
      case 'failed':
        return;
    }
  }

  #end(exit: CommandExit, wasCommand: boolean): void {
    this.#state = { name: 'ended', wasCommand };
    // A command may leave descendants, which get time to exit; a gate leaves none.
    if (wasCommand) this.#process.closeSocket();
    else this.#process.release();
    this.#events.onExit(exit);
  }
}

function argvOf(options: GateOptions): readonly string[] {
  const { shell, plan, argv } = options;
  const env = options.env === null ? [] : [options.env, ...envArguments(plan)];
  return [...shell, '-c', GATE_SCRIPT, 'gate', ...gateArguments({ ...options, env }), ...argv];
}
