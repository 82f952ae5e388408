/**
 * One life of the command: parked behind a gate, guarded, started, stopped, and told dead. Nothing
 * of the command runs before a guard has echoed its deadline (unless no guard is wanted), and
 * `command.stopped` is never said while anything of it lives. Decides nothing about locks.
 */
import type { CommandEvent, GrantInfo, LeaseInfo, StopReport } from '../../machines/contract.ts';
import type { CommandExit } from '../../machines/outcome.ts';
import { newBrand } from './brand.ts';
import { makeFolder, removeFolder } from './cgroup.ts';
import { CgroupReach } from './cgroup-reach.ts';
import { Gate } from './gate.ts';
import { GroupReach } from './group-reach.ts';
import { guardShell } from './guard.ts';
import { Guarding, killingMarginMs } from './guarding.ts';
import { markerOf, prepare, resolveCommand } from './preparation.ts';
import { hasProcessTable } from './process-table.ts';
import { type Reach, signalGroup } from './reach.ts';
import { Stopping } from './stopping.ts';
import { TreeReach } from './tree-reach.ts';
import type { SupervisorOptions } from './types.ts';

const DEFAULT_SHELL = ['/bin/sh'];
/** A gate that could not be parked so often in a row won't be. */
const PARKING_TRIES = 5;
const PARKING_DELAY_MS = 100;
/** What was started in the background and is about to end anyway gets this long to do so. */
const SETTLING_MS = 100;

export class Run {
  readonly #options: SupervisorOptions;
  readonly #emit: (event: CommandEvent) => void;
  readonly #guarding: Guarding | null;
  readonly #brand = newBrand();
  #folder: string | null = null;
  #gate: Gate | null = null;
  #reach: Reach | null = null;
  #lease: LeaseInfo | null = null;
  #grant: GrantInfo | null = null;
  #exit: CommandExit | null = null;
  #stopping: Stopping | null = null;
  #timer: unknown = null;
  #fallenGates = 0;
  #saidArmed = false;
  /** The machine has asked for the end. */
  #isClosing = false;
  /** command.failed was said, or command.stopped: no gate is parked any more. */
  #isOver = false;
  #hasGuardFired = false;

  constructor(options: SupervisorOptions, emit: (event: CommandEvent) => void) {
    this.#options = options;
    this.#emit = emit;
    const { clock, log } = options;
    const shell = options.shell ?? guardShell(DEFAULT_SHELL);
    this.#guarding = options.guard
      ? new Guarding(
          { shell, clock, log },
          {
            onArmed: () => this.#proceed(),
            onFailed: (message) => this.#guardFailed(message),
            onFiring: () => this.#guardFired(),
          },
        )
      : null;
  }

  /** For tests and the log. */
  get guardPid(): number | null {
    return this.#guarding?.pid ?? null;
  }

  park(): void {
    if (this.#options.reach !== 'group') {
      const made = makeFolder();
      if ('folder' in made) this.#folder = made.folder;
      else this.#options.log('debug', made.reason);
    }
    const { reaper } = this.#options;
    const words = reaper === null ? [] : reaper.argv.map((word) => `word ${word}`);
    this.#guarding?.tell('reaper', 'reaper', ...words);
    this.#guarding?.tell('marker', `marker ${markerOf(this.#options)}`);
    this.#guarding?.tell('brand', `brand ${this.#brand}`);
    this.refreshReaper();
    this.#guarding?.stand();
    this.#parkGate();
    const found = resolveCommand(this.#options);
    if (!found.ok && !this.#isOver) {
      this.#emit({ type: 'command.doubtful', message: found.message });
    }
  }

  arm(lease: LeaseInfo): void {
    this.#lease = lease;
    this.#guarding?.renew();
    this.#guarding?.beat(lease);
    this.#proceed();
  }

  start(grant: GrantInfo): void {
    this.#grant = grant;
    this.#proceed();
  }

  extend(lease: LeaseInfo): void {
    this.#lease = lease;
    if (this.#gate?.wasOpened && this.#reach !== null && this.#guarding !== null) {
      const others = this.#reach.record().map(({ pid, start }) => `${pid}:${start}`);
      this.#guarding.tell('ours', ['ours', ...others].join(' '));
    }
    this.#guarding?.beat(lease);
    this.#proceed();
  }

  signal(signal: string): void {
    const identity = this.#gate?.identity;
    if (!identity || !this.#gate?.wasOpened) return;
    signalGroup({ identity, hasEnded: () => this.#exit !== null }, signal as NodeJS.Signals);
  }

  stop(graceMs: number, deadline: number | null): void {
    this.#isClosing = true;
    this.#options.clock.clearTimeout(this.#timer);
    const gate = this.#gate;
    if (gate === null || !gate.wasOpened) {
      if (gate === null || gate.hasEnded) this.#finish('none', []);
      else gate.kill();
      return;
    }
    const now = this.#options.clock.now();
    const margin = this.#lease === null ? 0 : 2 * killingMarginMs(this.#lease);
    this.#stop().request(Math.min(now + graceMs, (deadline ?? Number.POSITIVE_INFINITY) - margin));
  }

  refreshReaper(): void {
    const { reaper } = this.#options;
    if (reaper !== null) {
      this.#guarding?.tell('credentials', `credentials ${reaper.credentials()}`);
    }
  }

  /** SIGKILL to everything, now; what this can't wait for is left to the guard. */
  dispose(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#stopping?.cancel();
    this.#isOver = true;
    this.#gate?.kill();
    this.#gate = null;
    this.#reach?.kill();
    this.#guarding?.abandon();
    if (this.#guarding === null && this.#folder !== null) removeFolder(this.#folder);
  }

  #parkGate(): void {
    const { shell = DEFAULT_SHELL, cwd, ignoreHangup = false } = this.#options;
    const entrance = this.#folder === null ? null : `${this.#folder}/cgroup.procs`;
    const gate: Gate = new Gate(
      { shell, cwd, ignoreHangup, entrance, brand: this.#brand, ...prepare(this.#options) },
      {
        onParked: (how) => this.#parked(gate, how),
        onStarted: () => this.#emit({ type: 'command.started', pid: gate.identity?.pid ?? 0 }),
        onRefused: (status) => this.#refused(status),
        onExit: (exit) => this.#ended(gate, exit),
        onError: (error) => this.#unparkable(error),
      },
    );
    this.#gate = gate;
    const { identity } = gate;
    if (identity === null) return;
    this.#reach = this.#reachOf(gate);
    this.#guarding?.tell('gate', `gate ${identity.pid} ${identity.start}`);
  }

  #reachOf(gate: Gate): Reach | null {
    const { identity } = gate;
    if (identity === null) return null;
    const first = { identity, hasEnded: () => gate.hasEnded };
    if (this.#folder !== null) return new CgroupReach(first, this.#folder);
    if (!hasProcessTable) return new GroupReach(first);
    const marks = { marker: markerOf(this.#options), brand: this.#brand };
    return new TreeReach(first, marks, this.#options.clock);
  }

  #parked(gate: Gate, { outside, lossy }: { outside: boolean; lossy: boolean }): void {
    const { log, clock } = this.#options;
    if (this.#folder !== null && outside) {
      log('debug', `the command can't be put into ${this.#folder}`);
      removeFolder(this.#folder);
      this.#folder = null;
      this.#reach = this.#reachOf(gate);
    }
    if (lossy) this.#tellLoss();
    if (this.#folder !== null) this.#guarding?.tell('folder', `folder ${this.#folder}`);
    this.#fallenGates = 0;
    // Another gate than the one that the guard was armed for: armed again, knowing this one. Where
    // the lease is over it would only fire; then the next lease arms it.
    if (this.#lease !== null && clock.now() < this.#lease.leaseEnd) {
      this.#guarding?.renew();
      this.#guarding?.beat(this.#lease);
    }
    this.#proceed();
  }

  #tellLoss(): void {
    const { odd } = prepare(this.#options).plan;
    if (odd.length === 0) return;
    const message = `there is no env -S here: the command goes without ${odd.join(', ')}`;
    this.#options.log('warn', message);
  }

  /** As far as things are ready: says that it is armed, then opens the gate. */
  #proceed(): void {
    const { clock, log } = this.#options;
    if (this.#isClosing || this.#isOver || this.#lease === null) return;
    if (this.#gate === null || !this.#gate.isParked) return;
    if (this.#guarding !== null && !this.#guarding.isArmed) return;
    if (!this.#saidArmed) {
      this.#saidArmed = true;
      const reach = this.#reach?.name ?? '';
      this.#emit({ type: 'command.armed', guarded: this.#guarding !== null, reach });
    }
    if (this.#grant === null || !this.#gate.isParked) return;
    if (clock.now() >= this.#lease.leaseEnd) {
      log('warn', 'the lease ended before the command was started: waiting for another');
      return;
    }
    this.#open(this.#gate, this.#grant);
  }

  #open(gate: Gate, grant: GrantInfo): void {
    const found = resolveCommand(this.#options);
    if (found.ok) gate.open(grant);
    else this.#fail(found.exitCode, found.message);
  }

  /** The shell's message is on stderr already; ours says what it means. */
  #refused(status: number): void {
    const found = resolveCommand(this.#options);
    if (!found.ok) return this.#fail(found.exitCode, found.message);
    this.#fail(126, `${found.path} can't be executed (the shell's status: ${status})`);
  }

  #ended(gate: Gate, exit: CommandExit): void {
    if (gate !== this.#gate) return;
    if (gate.wasOpened) this.#exited(exit);
    else if (this.#isClosing) this.#finish('none', []);
    else if (!this.#isOver) this.#gateFell('the gate ended before it was opened');
  }

  #unparkable(error: NodeJS.ErrnoException): void {
    if (error.code === 'E2BIG')
      return this.#fail(126, 'its arguments and environment are too long');
    const { shell = DEFAULT_SHELL } = this.#options;
    this.#gateFell(`can't start ${shell.join(' ')}: ${error.message}`);
  }

  #gateFell(message: string): void {
    if (this.#isOver) return;
    if (this.#isClosing) return this.#finish('none', []);
    this.#fallenGates += 1;
    if (this.#fallenGates >= PARKING_TRIES) return this.#fail(125, message);
    this.#options.log('warn', `${message}: parking another`);
    const delayMs = PARKING_DELAY_MS * this.#fallenGates;
    this.#timer = this.#options.clock.setTimeout(() => this.#parkGate(), delayMs);
  }

  #exited(exit: CommandExit): void {
    this.#exit = exit;
    this.#emit({ type: 'command.exited', exit });
    if (this.#stopping !== null) return this.#stopping.look();
    const { clock, killAfterMs } = this.#options;
    const stopping = this.#stop();
    stopping.watch();
    if (this.#isOver) return;
    this.#timer = clock.setTimeout(() => stopping.request(clock.now() + killAfterMs), SETTLING_MS);
  }

  #stop(): Stopping {
    if (this.#stopping !== null) return this.#stopping;
    if (this.#reach === null) throw new Error('a command that was started has a reach');
    this.#stopping = new Stopping({
      reach: this.#reach,
      clock: this.#options.clock,
      hasExited: () => this.#exit !== null,
      onUndying: (processes) => this.#emit({ type: 'command.undying', processes }),
      onDone: (means, outlived) => {
        const wasKilled = means === 'SIGKILL' || this.#hasGuardFired;
        const gone = means === 'none' ? 'exited' : means;
        this.#finish(wasKilled ? 'SIGKILL' : gone, outlived);
      },
    });
    return this.#stopping;
  }

  #fail(exitCode: 125 | 126 | 127, message: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#emit({ type: 'command.failed', exitCode, message });
  }

  #finish(means: StopReport['means'], stragglers: readonly string[]): void {
    this.#isOver = true;
    this.#options.clock.clearTimeout(this.#timer);
    this.#guarding?.dismiss();
    this.#reach?.close();
    if (this.#folder !== null) removeFolder(this.#folder);
    this.#emit({ type: 'command.stopped', exit: this.#exit, how: { means, stragglers } });
  }

  #guardFired(): void {
    this.#hasGuardFired = true;
    this.#options.log('error', 'the lease ended before it was renewed: the guard ends the command');
  }

  #guardFailed(message: string): void {
    if (this.#isOver || this.#isClosing) return;
    if (this.#gate?.wasOpened) this.#emit({ type: 'guard.failed', message });
    else if (this.#lease !== null) this.#fail(125, message);
    else this.#options.log('warn', message);
  }
}
