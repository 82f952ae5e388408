/**
 * Keeps one gate parked until it is opened or closed. Replaces a gate that dies while it is parked,
 * which never counts as the end of the command. Leases and guards are checked by the caller of
 * `open`.
 */
import type { GrantInfo } from '../../../machines/contract.ts';
import type { CommandExit } from '../../../machines/outcome.ts';
import type { Identity, SupervisorOptions } from '../options.ts';
import { Containment } from '../processes/containment.ts';
import type { Marks } from '../processes/inherited-marks.ts';
import type { ProcessScope } from '../processes/scope.ts';
import { signalGroup } from '../processes/signalling.ts';
import type { Gate } from './gate.ts';
import { GateStarter } from './gate-starter.ts';
import type { ParkedGate } from './gate-state.ts';
import { markerOf, resolveCommand } from './preparation.ts';

/** After this number of failures in a row, the command fails. */
const MAX_TRIES = 5;
const RETRY_MS = 100;

export interface GateKeeperEvents {
  /** A new gate has a process: the guard must know it and its init (null: none). */
  readonly onGate: (identity: Identity, init: Identity | null) => void;
  /** The gate is waiting to be opened. */
  readonly onParked: () => void;
  readonly onStarted: (pid: number) => void;
  /** A gate failed, or did not open because the lease had ended. Another one will be parked. */
  readonly onGateLost: () => void;
  /** The command cannot be run, and no part of it has run. No gate can be opened any more. */
  readonly onFailed: (exitCode: 125 | 126 | 127, message: string) => void;
  /** The command's first process has ended. */
  readonly onExited: (exit: CommandExit) => void;
  /** The init has no descendants any more. */
  readonly onEmpty: () => void;
  /** After `close`: no gate is left, and none has become the command. */
  readonly onClosed: () => void;
}

type State =
  /** `gate` is starting, parked or opened; null: before the first gate. */
  | { readonly name: 'keeping'; readonly gate: Gate | null }
  /** A gate failed; another is parked when the timer fires. */
  | { readonly name: 'retrying'; readonly timer: unknown }
  /** The command cannot be run; this was reported. */
  | { readonly name: 'failed'; readonly gate: Gate | null }
  | { readonly name: 'closing'; readonly gate: Gate | null }
  | { readonly name: 'over' };

export class GateKeeper {
  readonly #options: SupervisorOptions;
  readonly #events: GateKeeperEvents;
  readonly #containment: Containment;
  readonly #starter: GateStarter;
  #scope: ProcessScope | null = null;
  #failures = 0;
  #state: State = { name: 'keeping', gate: null };

  constructor(options: SupervisorOptions, events: GateKeeperEvents) {
    const { clock, log, scope } = options;
    this.#options = options;
    this.#events = events;
    this.#containment = new Containment({
      ...{ clock, log },
      isCgroupWanted: scope !== 'group',
      variable: markerOf(options),
    });
    this.#starter = new GateStarter(options, this.#containment);
  }

  /** All processes of the command; null before the first gate is identified. */
  get scope(): ProcessScope | null {
    return this.#scope;
  }

  /** Marks of every process of the command; before a gate is parked, the marks that it will set. */
  get marks(): Marks {
    return this.#containment.marks;
  }

  /** True if the gate has an init that is alive: no orphan of the command can be lost. */
  get hasInit(): boolean {
    const gate = this.#gate;
    return gate?.init != null && gate.descendants !== 'unknown';
  }

  /** The cgroup that the gate is in, or about to enter; null: none. */
  get directory(): string | null {
    return this.#containment.directory;
  }

  get isParked(): boolean {
    return this.#state.name === 'keeping' && this.#gate?.isParked === true;
  }

  /** The reason why the last lookup of the command failed; null: it was found. */
  get problem(): string | null {
    const { found } = this.#starter;
    return found?.ok === false ? found.message : null;
  }

  park(): void {
    const gate: Gate = this.#starter.start({
      onIdentified: () => this.#identified(gate),
      onParked: (how) => this.#parked(gate, how),
      onStarted: () => this.#events.onStarted(gate.identity?.pid ?? 0),
      onRefused: (status) => this.#refused(status),
      onExit: (exit) => this.#ended(gate, exit),
      onError: (error) => this.#notStarted(error),
      onUnfit: (reason) => this.#initUnfit(reason),
      onInitLost: () => this.#initLost(gate),
      onEmpty: () => gate === this.#gate && this.#events.onEmpty(),
    });
    this.#state = { name: 'keeping', gate };
    if (gate.identity !== null) this.#identified(gate);
  }

  /** Looks up the program again if it was not found. (If it has been removed since, exec fails.) */
  lookUpAgain(): void {
    this.#starter.lookUpAgain();
  }

  /**
   * True if the gate is being opened; false if the program was not found, which onFailed reports.
   *
   * @throws TypeError if the grant is not text of one line each; the gate stays parked
   */
  open(grant: GrantInfo, until: number | null): boolean {
    const { found } = this.#starter;
    if (found?.ok === false) {
      this.#fail(found.exitCode, found.message);
      return false;
    }
    this.#gate?.open(grant, until);
    return true;
  }

  /** Kills a gate that was not opened and may be stopped or damaged; another one replaces it. */
  replace(): void {
    if (!this.#wasOpened) this.#gate?.kill();
  }

  signal(signal: NodeJS.Signals): void {
    const gate = this.#gate;
    if (gate?.identity && gate.wasOpened) {
      signalGroup({ identity: gate.identity, hasEnded: () => gate.hasEnded }, signal);
    }
  }

  /**
   * No gate may be opened any more. Followed by onClosed, possibly at once; or by onExited if the
   * gate had been opened and became the command.
   */
  close(): void {
    const gate = this.#gate;
    if (this.#state.name === 'retrying') this.#options.clock.clearTimeout(this.#state.timer);
    this.#state = { name: 'closing', gate };
    if (gate?.wasOpened === true) return;
    if (gate === null || gate.hasEnded) this.#closed();
    else gate.kill();
  }

  /** Sends SIGKILL to all processes; no event follows. */
  dispose(): void {
    const gate = this.#gate;
    if (this.#state.name === 'retrying') this.#options.clock.clearTimeout(this.#state.timer);
    this.#state = { name: 'over' };
    // The scope kills the processes of a command; it spares relays such as sudo (relays.ts).
    if (gate?.wasOpened === false) gate.kill();
    this.#scope?.kill();
    // After the cgroup is killed as a whole: the init would kill the same processes one by one.
    gate?.release();
    this.#containment.dispose();
  }

  /** All processes have ended: removes everything that was created for them. */
  release(): void {
    const gate = this.#gate;
    if (this.#state.name === 'retrying') this.#options.clock.clearTimeout(this.#state.timer);
    this.#state = { name: 'over' };
    gate?.release();
    this.#scope?.close();
    this.#containment.release();
  }

  get #gate(): Gate | null {
    return gateOf(this.#state);
  }

  get #wasOpened(): boolean {
    return this.#gate?.wasOpened === true;
  }

  #identified(gate: Gate): void {
    const { identity } = gate;
    if (identity === null || gate !== this.#gate) return;
    this.#scope = this.#scopeOf(gate, identity);
    this.#events.onGate(identity, gate.init);
  }

  #scopeOf(gate: Gate, identity: Identity): ProcessScope {
    return this.#containment.scopeOf({ identity, hasEnded: () => gate.hasEnded }, gate.asInit);
  }

  #parked(gate: Gate, how: ParkedGate): void {
    if (gate !== this.#gate || gate.identity === null) return;
    this.#containment.parked(how);
    this.#scope = this.#scopeOf(gate, gate.identity);
    if (how.lossy) this.#starter.warnOfLoss();
    this.#failures = 0;
    this.#events.onParked();
  }

  #initUnfit(reason: string): void {
    this.#starter.initUnfit(reason);
    if (this.#state.name === 'closing') this.#closed();
    else if (this.#state.name === 'keeping') this.park();
  }

  /** From now on, PID 1 adopts the command's orphans: the whole command must end. */
  #initLost(gate: Gate): void {
    if (gate !== this.#gate || !gate.wasOpened) return;
    this.#options.log('error', 'the init of the command ended unexpectedly: killing the command');
    this.#scope?.kill();
  }

  /** The shell has already printed its own message to stderr. */
  #refused(status: number): void {
    const found = resolveCommand(this.#options);
    if (!found.ok) return this.#fail(found.exitCode, found.message);
    this.#fail(126, `${found.path} cannot be executed (the shell's status: ${status})`);
  }

  #ended(gate: Gate, exit: CommandExit): void {
    if (gate !== this.#gate) return;
    if (gate.wasOpened) return this.#events.onExited(exit);
    this.#gateFailed('the gate ended before it was opened');
  }

  #notStarted(error: NodeJS.ErrnoException): void {
    const isTooLong = error.code === 'E2BIG';
    if (isTooLong) return this.#fail(126, 'the arguments and the environment are too long');
    this.#gateFailed(this.#starter.shellFailed(error));
  }

  #gateFailed(message: string): void {
    switch (this.#state.name) {
      case 'keeping':
        return this.#retry(message);
      case 'closing':
        return this.#closed();
      case 'retrying':
      case 'failed':
      case 'over':
        return;
    }
  }

  #retry(message: string): void {
    this.#failures += 1;
    if (this.#failures >= MAX_TRIES) return this.#fail(125, message);
    this.#options.log('warn', `${message}: parking another`);
    const { clock } = this.#options;
    const timer = clock.setTimeout(() => this.park(), RETRY_MS * this.#failures);
    this.#state = { name: 'retrying', timer };
    this.#events.onGateLost();
  }

  #fail(exitCode: 125 | 126 | 127, message: string): void {
    if (this.#state.name !== 'keeping') return;
    this.#state = { name: 'failed', gate: this.#state.gate };
    this.#events.onFailed(exitCode, message);
  }

  #closed(): void {
    if (this.#state.name !== 'closing') return;
    this.#state.gate?.release();
    this.#state = { name: 'over' };
    this.#events.onClosed();
  }
}

function gateOf(state: State): Gate | null {
  switch (state.name) {
    case 'keeping':
    case 'failed':
    case 'closing':
      return state.gate;
    case 'retrying':
    case 'over':
      return null;
  }
}
