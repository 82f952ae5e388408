/**
 * Keeps a guard running beside the command: sends it facts and deadlines, waits for its echoes, and
 * replaces a guard that ended or does not answer. Reports if that fails, and decides nothing else.
 */
import type { LeaseInfo } from '../../../machines/contract.ts';
import type { Clock } from '../../util/clock.ts';
import { killDeadlines } from '../../util/deadlines.ts';
import type { LogFunction } from '../../util/log-level.ts';
import { Guard, type GuardEvents } from './guard.ts';
import { guardDeadline } from './guard-deadline.ts';
import { sortedFacts } from './sorted-facts.ts';
import { Stopwatch } from './stopwatch.ts';

/** Maximum time for an echo, and for arming a new guard. */
const ECHO_MS = 1000;
/** Before the gate is opened, a deadline is moved once less than 1/FAR_OFF of the time is left. */
const FAR_OFF = 3;
/** Maximum number of guards in a row that may end before one was armed. */
const MAX_TRIES = 3;

/** Starts a guard with `facts`, which are not secret. */
export type StartGuard = (
  shell: readonly string[],
  facts: readonly string[],
  events: GuardEvents,
) => Pick<Guard, 'pid' | 'send' | 'hangUp' | 'kill'>;

export interface GuardKeeperOptions {
  /** The best first, at least one. If the kernel does not execute a shell, the next one is used. */
  readonly shells: readonly (readonly string[])[];
  readonly clock: Clock;
  readonly log: LogFunction;
  /** Current duration of the guard's scan of the process table; milliseconds. */
  readonly scanMs: () => number;
  readonly startGuard?: StartGuard;
}

export interface GuardKeeperEvents {
  /** The newest deadline was echoed. Called for each deadline. */
  readonly onArmed: () => void;
  /** No guard is armed, and the replacement failed too. */
  readonly onFailed: (message: string) => void;
  /** The guard is killing the command. */
  readonly onFiring: () => void;
}

type RunningGuard = ReturnType<StartGuard>;

/** `upToDate`: every fact was sent before the newest deadline; `outdated`: a fact is newer. */
type Facts = 'upToDate' | 'outdated';

type State =
  /** No guard is running: before the first, after a failure, or at the end. */
  | { readonly name: 'absent' }
  /** It has no deadline yet. */
  | { readonly name: 'idle'; readonly guard: RunningGuard }
  /** It has not echoed the newest deadline. */
  | { readonly name: 'arming'; readonly guard: RunningGuard; readonly facts: Facts }
  | { readonly name: 'armed'; readonly guard: RunningGuard; readonly facts: Facts }
  /**
   * It fired, and accepts no more deadlines; null: it has also ended. Only `renew` starts another.
   */
  | { readonly name: 'fired'; readonly guard: RunningGuard | null };

interface Deadline {
  readonly line: string;
  readonly firesAt: number;
}

export class GuardKeeper {
  readonly #options: GuardKeeperOptions;
  readonly #events: GuardKeeperEvents;
  /** Lines of each fact, by its name; sent to every guard. */
  readonly #facts = new Map<string, readonly string[]>();
  readonly #watch: Stopwatch;
  #shells: readonly (readonly string[])[];
  #state: State = { name: 'absent' };
  #deadline: Deadline | null = null;
  /** Deadlines that the running guard has not echoed: it may be sent the same one twice. */
  #unanswered = 0;
  /** Number of guards lost since one was last armed. */
  #losses = 0;

  constructor(options: GuardKeeperOptions, events: GuardKeeperEvents) {
    this.#options = options;
    this.#shells = options.shells;
    this.#events = events;
    this.#watch = new Stopwatch(options.clock, ECHO_MS, () => this.#silent());
  }

  /** True if a guard is running and has echoed the newest deadline. */
  get isArmed(): boolean {
    return this.#state.name === 'armed';
  }

  get state(): State['name'] {
    return this.#state.name;
  }

  get pid(): number | null {
    return this.#guard?.pid ?? null;
  }

  /** Starts a guard if none is running. */
  start(): void {
    if (this.#guard !== null) return;
    const { startGuard = newGuard } = this.#options;
    const [shell = []] = this.#shells;
    const { open, secret } = sortedFacts(this.#facts);
    const guard: RunningGuard = startGuard(shell, open, {
      onBeat: (line) => guard === this.#guard && this.#echoed(line),
      onFiring: () => guard === this.#guard && this.#fired(guard),
      onGone: (what) => guard === this.#guard && this.#lost(what, MAX_TRIES),
      onUnfit: (code) => guard === this.#guard && this.#unfit(shell, code),
    });
    this.#state = { name: 'idle', guard };
    this.#unanswered = 0;
    guard.send(...secret);
    if (this.#deadline !== null) this.#arm(guard, this.#deadline);
  }

  /** Sends a fact to this guard and every later one; replaces the fact of the same name. */
  setFact(name: string, ...lines: readonly string[]): void {
    if (this.#facts.get(name)?.join('\n') === lines.join('\n')) return;
    this.#facts.set(name, lines);
    const state = this.#state;
    if (state.name === 'arming' || state.name === 'armed') {
      this.#state = { ...state, facts: 'outdated' };
    }
    this.#guard?.send(...lines);
  }

  /** Sends this lease's deadline. */
  extend(lease: LeaseInfo): void {
    const state = this.#state;
    const before = this.#deadline?.line;
    switch (state.name) {
      case 'fired':
        return;
      case 'absent':
        this.#setDeadline(lease);
        return this.start();
      case 'idle':
        return this.#arm(state.guard, this.#setDeadline(lease));
      case 'arming':
      case 'armed': {
        const deadline = this.#setDeadline(lease);
        if (deadline.line !== before || state.facts === 'outdated')
          this.#arm(state.guard, deadline);
      }
    }
  }

  /** Like `extend`, before the gate is opened: does not move a deadline that is still far away. */
  extendIfNear(lease: LeaseInfo): void {
    const state = this.#state;
    if (state.name === 'armed' && state.facts === 'upToDate' && this.#isFarOff(lease)) return;
    this.extend(lease);
  }

  /**
   * The gate is about to be opened. Also sends the newest deadline, to detect a guard that has
   * stopped working since its last echo.
   */
  opening(lease: LeaseInfo): void {
    const line = 'open';
    this.#facts.set('gate state', [line]);
    const deadline = this.#setDeadline(lease);
    const state = this.#state;
    if (state.name === 'arming' || state.name === 'armed') {
      this.#state = { ...state, facts: 'upToDate' };
    }
    this.#guard?.send(line, deadline.line);
    this.#unanswered += 1;
    this.#watch.start();
  }

  /** Replaces a guard that fired while there was only a gate: the command needs a new one. */
  renew(): void {
    if (this.#state.name !== 'fired') return;
    this.#discard();
    this.#deadline = null;
    this.start();
  }

  /** Closes the guard's socket, as if lockex had died: the guard kills the command. */
  abandon(): void {
    this.#watch.stop();
    this.#guard?.hangUp();
    this.#state = { name: 'absent' };
  }

  /** All processes have ended, or none was started: ends the guard. */
  dismiss(): void {
    this.#discard();
    this.#deadline = null;
    this.#losses = 0;
    this.#facts.clear();
  }

  get #guard(): RunningGuard | null {
    return this.#state.name === 'absent' ? null : this.#state.guard;
  }

  #setDeadline(lease: LeaseInfo): Deadline {
    const { clock } = this.#options;
    const scanMs = this.#options.scanMs();
    const line = `beat ${guardDeadline(lease, scanMs, clock)}`;
    this.#deadline = { line, firesAt: killDeadlines(lease, scanMs).guardFiresAt };
    return this.#deadline;
  }

  #isFarOff(lease: LeaseInfo): boolean {
    const now = this.#options.clock.now();
    const wanted = killDeadlines(lease, this.#options.scanMs()).guardFiresAt;
    return FAR_OFF * ((this.#deadline?.firesAt ?? 0) - now) >= wanted - now;
  }

  #arm(guard: RunningGuard, { line }: Deadline): void {
    this.#state = { name: 'arming', guard, facts: 'upToDate' };
    guard.send(line);
    this.#unanswered += 1;
    this.#watch.start();
  }

  #echoed(line: string): void {
    const state = this.#state;
    this.#unanswered -= 1;
    // An echo of the same line may answer its first sending: newer facts were not read then.
    if (line !== this.#deadline?.line || this.#unanswered > 0) return;
    switch (state.name) {
      case 'arming':
      case 'armed':
        this.#watch.stop();
        this.#state = { ...state, name: 'armed' };
        this.#losses = 0;
        return this.#events.onArmed();
      case 'absent':
      case 'idle':
      case 'fired':
        return;
    }
  }

  #fired(guard: RunningGuard): void {
    this.#watch.stop();
    this.#state = { name: 'fired', guard };
    this.#events.onFiring();
  }

  #unfit(shell: readonly string[], code: string): void {
    const [, ...others] = this.#shells;
    if (others.length === 0) return this.#lost(`could not be started (${code})`, MAX_TRIES);
    const message = `${shell.join(' ')} cannot be executed (${code}): trying the next shell`;
    this.#options.log('warn', message);
    this.#shells = others;
    this.#discard();
    this.start();
  }

  #silent(): void {
    this.#lost(`has not answered for ${ECHO_MS} ms`, 1);
  }

  /** `tries`: maximum number of guards lost in a row. */
  #lost(what: string, tries: number): void {
    const { name } = this.#state;
    this.#discard();
    if (name === 'fired') {
      // It may have killed only some processes: the caller decides if another guard is needed.
      this.#state = { name: 'fired', guard: null };
      return;
    }
    this.#losses += 1;
    if (this.#losses > tries) {
      this.#events.onFailed(`the guard ${what}; its replacement failed too`);
      return;
    }
    this.#options.log('warn', `the guard ${what}: starting another`);
    this.start();
  }

  #discard(): void {
    this.#watch.stop();
    const guard = this.#guard;
    this.#state = { name: 'absent' };
    guard?.kill();
  }
}

const newGuard: StartGuard = (shell, facts, events) => new Guard(shell, facts, events);
