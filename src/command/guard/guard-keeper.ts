/**
 * Keeps a guard running beside the command: sends it the facts and deadlines, watches for its
 * echoes, and replaces one that ended or does not answer. Reports when that fails, and decides
 * nothing else.
 */
import type { LeaseInfo } from '../../../machines/contract.ts';
import type { Clock } from '../../util/clock.ts';
import { killDeadlines } from '../../util/deadlines.ts';
import type { LogFunction } from '../../util/log-level.ts';
import { Guard, type GuardEvents } from './guard.ts';
import { guardDeadline } from './guard-deadline.ts';
import { sortedFacts } from './sorted-facts.ts';
import { Stopwatch } from './stopwatch.ts';

/** How long an echo may take, and a new guard to be armed. */
const ECHO_MS = 1000;
/**
 * Before the gate is opened, a deadline is moved when less than one part in so many is left of it.
 */
const FAR_OFF = 3;
/** So many guards in a row may end before one was armed. */
const MAX_TRIES = 3;

/** Starts a guard with `facts`, which are not secret. */
export type StartGuard = (
  shell: readonly string[],
  facts: readonly string[],
  events: GuardEvents,
) => Pick<Guard, 'pid' | 'send' | 'hangUp' | 'kill'>;

export interface GuardKeeperOptions {
  /** Best first, at least one; the next is used if the kernel does not execute one. */
  readonly shells: readonly (readonly string[])[];
  readonly clock: Clock;
  readonly log: LogFunction;
  /** Present duration of the guard's scan of the process table; milliseconds. */
  readonly scanMs: () => number;
  readonly startGuard?: StartGuard;
}

export interface GuardKeeperEvents {
  /** The newest deadline was echoed. Called for each. */
  readonly onArmed: () => void;
  /** No guard is armed, and replacing it did not help. */
  readonly onFailed: (message: string) => void;
  /** The guard is killing the command. */
  readonly onFiring: () => void;
}

type RunningGuard = ReturnType<StartGuard>;

/** `upToDate`: every fact was sent before the newest deadline, `outdated`: there is a newer one. */
type Facts = 'upToDate' | 'outdated';

type State =
  /** No guard: before the first, after a failure, or at the end. */
  | { readonly name: 'absent' }
  /** It has no deadline yet. */
  | { readonly name: 'idle'; readonly guard: RunningGuard }
  /** It has not echoed the newest deadline. */
  | { readonly name: 'arming'; readonly guard: RunningGuard; readonly facts: Facts }
  | { readonly name: 'armed'; readonly guard: RunningGuard; readonly facts: Facts }
  /**
   * It fired, and accepts no deadline any more; null: and has ended. Only `renew` starts another.
   */
  | { readonly name: 'fired'; readonly guard: RunningGuard | null };

interface Deadline {
  readonly line: string;
  readonly firesAt: number;
}

export class GuardKeeper {
  readonly #options: GuardKeeperOptions;
  readonly #events: GuardKeeperEvents;
  /** Facts by name, each in lines: sent to every guard. */
  readonly #facts = new Map<string, readonly string[]>();
  readonly #watch: Stopwatch;
  #shells: readonly (readonly string[])[];
  #state: State = { name: 'absent' };
  #deadline: Deadline | null = null;
  /** Deadlines that the running guard has not echoed: it may be sent the same one twice. */
  #unanswered = 0;
  /** Guards that were lost since one was last armed. */
  #losses = 0;

  constructor(options: GuardKeeperOptions, events: GuardKeeperEvents) {
    this.#options = options;
    this.#shells = options.shells;
    this.#events = events;
    this.#watch = new Stopwatch(options.clock, ECHO_MS, () => this.#silent());
  }

  /** A guard runs, and has echoed the newest deadline. */
  get isArmed(): boolean {
    return this.#state.name === 'armed';
  }

  get state(): State['name'] {
    return this.#state.name;
  }

  get pid(): number | null {
    return this.#guard?.pid ?? null;
  }

  /** Starts a guard if none runs. */
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

  /** Sends a fact, and again to each later guard; replaces the fact of the same name. */
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

  /** Before the gate is opened: a deadline that is still far off need not be moved. */
  extendIfNear(lease: LeaseInfo): void {
    const state = this.#state;
    if (state.name === 'armed' && state.facts === 'upToDate' && this.#isFarOff(lease)) return;
    this.extend(lease);
  }

  /**
   * The gate is about to be opened. Sends the newest deadline as well: a guard that echoed one long
   * ago and has stopped working since is found out.
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

  /** Replaces a guard that fired while there was only a gate: the command needs another. */
  renew(): void {
    if (this.#state.name !== 'fired') return;
    this.#discard();
    this.#deadline = null;
    this.start();
  }

  /** lockex gives up: to the guard it looks as if lockex had died. */
  abandon(): void {
    this.#watch.stop();
    this.#guard?.hangUp();
    this.#state = { name: 'absent' };
  }

  /** Everything has ended, or nothing was started: ends the guard. */
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

  /** `tries`: how many guards may be lost in a row. */
  #lost(what: string, tries: number): void {
    const { name } = this.#state;
    this.#discard();
    if (name === 'fired') {
      // It may have killed only a part: the caller decides whether another is needed.
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
