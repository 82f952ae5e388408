/**
 * One life of the command: parked behind a gate, guarded, started, stopped, and told dead. Nothing
 * of the command runs before a guard has echoed a deadline that is still far off (unless no guard is
 * wanted): the newest goes to it with the word to open, before the gate hears that. And
 * `command.stopped` is never said while anything of it lives. Decides nothing about locks.
 */
import type { CommandEvent, GrantInfo, LeaseInfo, StopReport } from '../../machines/contract.ts';
import type { CommandExit } from '../../machines/outcome.ts';
import { DEFAULT_SHELL, GateKeeper } from './gate/gate-keeper.ts';
import { markerOf } from './gate/preparation.ts';
import { firingAt, lastKillAt, lookMsNow, uptimeDeadline } from './guard/deadlines.ts';
import { guardShells } from './guard/guard.ts';
import { GuardKeeper } from './guard/guard-keeper.ts';
import type { SupervisorOptions } from './options.ts';
import { Termination } from './processes/termination.ts';

/** What was started in the background and is about to end anyway gets this long to do so. */
export const SETTLING_MS = 1000;

export class Execution {
  readonly #options: SupervisorOptions;
  readonly #emit: (event: CommandEvent) => void;
  readonly #parking: GateKeeper;
  readonly #guarding: GuardKeeper | null;
  #lease: LeaseInfo | null = null;
  #grant: GrantInfo | null = null;
  #exit: CommandExit | null = null;
  #stopping: Termination | null = null;
  #settling: unknown = null;
  /** `arm` was asked for, and is not answered yet. */
  #isArmWanted = false;
  #wasArmed = false;
  #hasFailed = false;
  #isClosing = false;
  #isOver = false;
  #hasLeft = false;
  #hasGuardFired = false;

  constructor(options: SupervisorOptions, emit: (event: CommandEvent) => void) {
    this.#options = options;
    this.#emit = emit;
    this.#parking = new GateKeeper(options, {
      onGate: ({ pid, start }, init) => {
        this.#guarding?.tell('gate', `gate ${pid} ${start}`);
        this.#guarding?.tell('init', `init ${init?.pid ?? ''} ${init?.start ?? ''}`);
        this.#tellOfFolder();
      },
      onParked: () => this.#parked(),
      onStarted: (pid) => emit({ type: 'command.started', pid }),
      onFailed: (exitCode, message) => this.#fail(exitCode, message),
      onExited: (exit) => this.#exited(exit),
      onEmpty: () => this.#stopping?.look(),
      onClosed: () => this.#neverRan(),
    });
    this.#guarding = options.guard ? this.#newGuarding() : null;
  }

  /** Pid of the guard that stands; null: none does. */
  get guardPid(): number | null {
    return this.#guarding?.pid ?? null;
  }

  /** The gate first: to enter its cgroup can take the kernel ten milliseconds. */
  park(): void {
    this.#parking.park();
    if (this.#isOver) return;
    const words = this.#options.reaper?.map((word) => `word ${word}`) ?? [];
    this.#guarding?.tell('reaper', 'reaper', ...words);
    this.#guarding?.tell('marker', `marker ${markerOf(this.#options)}`);
    this.#guarding?.tell('gate state', 'shut');
    this.#guarding?.stand();
    const { doubt } = this.#parking;
    if (doubt !== null) this.#emit({ type: 'command.unresolved', message: doubt });
  }

  /** At once where the guard has this lease already: it was told of it beforehand. */
  arm(lease: LeaseInfo): void {
    this.#isArmWanted = true;
    this.#parking.look();
    this.extend(lease);
  }

  start(grant: GrantInfo): void {
    this.#grant = grant;
    this.#proceed();
  }

  extend(lease: LeaseInfo): void {
    this.#lease = lease;
    if (!this.#parking.wasOpened) {
      // A guard that has ended only a gate is not the end of the matter.
      this.#guarding?.renew();
      this.#guarding?.beatBeforehand(lease);
      return this.#proceed();
    }
    const others = this.#parking.reach?.record() ?? [];
    const list = others.map(({ pid, start }) => `${pid}:${start}`);
    // Where nobody is left it keeps the old list, and looks at the start times.
    if (list.length > 0) this.#guarding?.tell('ours', ['ours', ...list].join(' '));
    this.#guarding?.beat(lease);
  }

  signal(signal: string): void {
    this.#parking.signal(signal as NodeJS.Signals);
  }

  stop(graceMs: number, deadline: number | null): void {
    this.#isClosing = true;
    this.#parking.close();
    if (!this.#parking.wasOpened) return;
    // What is left when the command has ended by itself has its moment.
    if (this.#settling !== null && graceMs > 0 && deadline === null) return;
    const inTime = this.#options.clock.now() + graceMs;
    const lease = this.#lease;
    const last =
      deadline === null || lease === null ? inTime : lastKillAt(lease, deadline, this.#lookMs());
    this.#stop().request(Math.min(inTime, last));
  }

  /** One line for the reaper's stdin; empty: there is nothing to give back, and it is not run. */
  setSessionToClose(credentials: string): void {
    if (this.#options.reaper === null) return;
    this.#guarding?.tell('credentials', `credentials ${credentials}`);
  }

  /** SIGKILL to everything, now; what this can't wait for is left to the guard. */
  dispose(): void {
    this.#options.clock.clearTimeout(this.#settling);
    this.#stopping?.cancel();
    if (this.#isOver) return this.#leave();
    this.#isOver = true;
    this.#parking.dispose();
    this.#guarding?.abandon();
  }

  #newGuarding(): GuardKeeper {
    const { clock, log, shell } = this.#options;
    return new GuardKeeper(
      {
        shells: shell === undefined ? guardShells(DEFAULT_SHELL) : [shell],
        clock,
        log,
        lookMs: () => this.#lookMs(),
      },
      {
        onArmed: () => this.#proceed(),
        onFailed: (message) => this.#guardFailed(message),
        onFiring: () => this.#guardFired(),
      },
    );
  }

  /** What outlives the first process is stopped on request only. */
  get #awaitsAll(): boolean {
    return this.#options.leftovers === 'await';
  }

  /**
   * An init knows what is below it. A cgroup is not enough: some of the command's processes may be
   * outside of it.
   */
  #lookMs(): number {
    return this.#parking.hasInit ? 0 : lookMsNow();
  }

  /**
   * Also while the gate may not be in it yet: until it is parked it is not opened, and one that is
   * never opened ends with lockex.
   */
  #tellOfFolder(): void {
    this.#guarding?.tell('directory', `directory ${this.#parking.directory ?? ''}`);
  }

  #parked(): void {
    const lease = this.#lease;
    this.#tellOfFolder();
    const { limit, slack } = this.#parking.marks;
    this.#guarding?.tell('brand', `brand ${limit ?? ''}`);
    this.#guarding?.tell('slack', `slack ${slack ?? ''}`);
    // Another gate than the one that the guard was armed for: armed again, knowing this one.
    if (lease !== null) this.extend(lease);
  }

  /** As far as things are ready: says that it is armed, then opens the gate. */
  #proceed(): void {
    if (this.#isClosing || this.#isOver || this.#lease === null || !this.#parking.isParked) return;
    if (this.#guarding !== null && !this.#guarding.isArmed) return;
    if (this.#isArmWanted) {
      this.#isArmWanted = false;
      this.#wasArmed = true;
      const scope = this.#parking.reach?.name ?? '';
      this.#emit({ type: 'command.armed', guarded: this.#guarding !== null, scope });
    }
    // What was just said may have been answered already.
    if (!this.#wasArmed || this.#grant === null || !this.#parking.isParked) return;
    const lookMs = this.#lookMs();
    if (this.#options.clock.now() >= firingAt(this.#lease, lookMs)) {
      const words = 'the lease ended before the start: waiting for another';
      return this.#options.log('warn', words);
    }
    // The guard first: from here on a deadline that passes is the command's end.
    this.#guarding?.opening(this.#lease);
    this.#parking.open(this.#grant, uptimeDeadline(this.#lease, lookMs));
  }

  #exited(exit: CommandExit): void {
    this.#exit = exit;
    const byGuard = this.#hasGuardFired && exit.signal?.name === 'SIGKILL';
    // Before it is told: what comes in answer is the wish to stop whatever is left.
    if (this.#stopping === null && !this.#isOver && !this.#awaitsAll) this.#settle();
    this.#emit({ type: 'command.exited', exit, byGuard });
    this.#stop().look();
  }

  #settle(): void {
    const { clock, killAfterMs } = this.#options;
    this.#settling = clock.setTimeout(() => {
      this.#settling = null;
      this.#stop().request(clock.now() + killAfterMs);
    }, SETTLING_MS);
  }

  /** Also where a gate was opened that did not become the command. */
  #neverRan(): void {
    this.#stopping?.cancel();
    this.#finish('none', []);
  }

  #stop(): Termination {
    if (this.#stopping !== null) return this.#stopping;
    const { reach } = this.#parking;
    if (reach === null) throw new Error('a command that was started has a reach');
    this.#stopping = new Termination({
      reach,
      clock: this.#options.clock,
      hasExited: () => this.#exit !== null,
      isPatient: this.#awaitsAll,
      onUndying: (processes, unknown) =>
        this.#emit({ type: 'command.unkillable', processes, ...(unknown !== null && { unknown }) }),
      onDone: (means, outlived) => {
        const gone = means === 'none' ? 'exited' : means;
        this.#finish(this.#hasGuardFired ? 'SIGKILL' : gone, outlived);
      },
    });
    return this.#stopping;
  }

  #fail(exitCode: 125 | 126 | 127, message: string): void {
    if (this.#hasFailed || this.#isOver || this.#isClosing) return;
    this.#hasFailed = true;
    this.#emit({ type: 'command.failed', exitCode, message });
  }

  #finish(means: StopReport['means'], stragglers: readonly string[]): void {
    this.#isOver = true;
    this.#options.clock.clearTimeout(this.#settling);
    this.#emit({ type: 'command.stopped', exit: this.#exit, how: { means, stragglers } });
    // The lock first: others wait for it.
    setImmediate(() => this.#leave());
  }

  /** Everything is dead: what was made for the command goes. */
  #leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#guarding?.dismiss();
    this.#parking.release();
  }

  #guardFired(): void {
    this.#hasGuardFired = this.#parking.wasOpened;
    this.#options.log('error', 'the lease ended before it was renewed: the guard ends the command');
    // The guard may be replaced before it is through with a gate: that one is not to be used again.
    this.#parking.replace();
  }

  #guardFailed(message: string): void {
    if (this.#isOver || this.#isClosing) return;
    if (this.#parking.wasOpened) this.#emit({ type: 'guard.failed', message });
    else if (this.#isArmWanted || this.#wasArmed) this.#fail(125, message);
    else this.#options.log('warn', message);
  }
}
