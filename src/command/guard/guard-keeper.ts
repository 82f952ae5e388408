/**
 * Keeps a guard standing beside the command: tells it what it must know, watches that it echoes, and
 * replaces one that is gone or silent. Never decides what happens when that fails: it says so.
 */

import type { LeaseInfo } from '../../../machines/contract.ts';
import type { Clock } from '../../util/clock.ts';
import type { LogFunction } from '../../util/log-level.ts';
import { firingAt, guardDeadline } from './deadlines.ts';
import { Guard } from './guard.ts';
import { Stopwatch } from './stopwatch.ts';

/** How long an echo may take, and a new guard to be armed. */
const ECHO_MS = 1000;
/** A deadline will do for the time being if it has at least one part in so many left of the newest. */
const FAR_OFF = 3;
/** A guard that falls this often before it was ever armed will not stand. */
const TRIES = 3;

export interface GuardKeeperOptions {
  /** Best first; one that the kernel does not execute is followed by the next. At least one. */
  readonly shells: readonly (readonly string[])[];
  readonly clock: Clock;
  readonly log: LogFunction;
  /** What it takes the guard at present to look for what it ends; milliseconds. */
  readonly lookMs: () => number;
}

export interface GuardKeeperEvents {
  /** The newest deadline was taken. Said for each beat. */
  readonly onArmed: () => void;
  /** No guard stands, or none that is armed, and it can't be helped. */
  readonly onFailed: (message: string) => void;
  /** The guard is ending the command. */
  readonly onFiring: () => void;
}

export class GuardKeeper {
  readonly #options: GuardKeeperOptions;
  readonly #events: GuardKeeperEvents;
  readonly #facts = new Map<string, readonly string[]>();
  readonly #watch: Stopwatch;
  #shells: readonly (readonly string[])[];
  #guard: Guard | null = null;
  #beat: string | null = null;
  /** When the guard fires by the newest deadline that it was sent. */
  #firesAt = 0;
  #isArmed = false;
  /** It was told nothing new since it was sent the newest deadline. */
  #isInformed = false;
  #isSpent = false;
  /** Guards that fell since one was last armed. */
  #fallen = 0;

  constructor(options: GuardKeeperOptions, events: GuardKeeperEvents) {
    this.#options = options;
    this.#shells = options.shells;
    this.#events = events;
    this.#watch = new Stopwatch(options.clock, ECHO_MS, () => this.#silent());
  }

  /** The newest deadline has been echoed by a guard that still stands. */
  get isArmed(): boolean {
    return this.#isArmed && !this.#isSpent;
  }

  get pid(): number | null {
    return this.#guard?.pid ?? null;
  }

  stand(): void {
    if (this.#guard !== null) return;
    this.#isSpent = false;
    this.#isArmed = false;
    const {
      credentials = [],
      marker = [],
      ours = [],
      slack = [],
      ...facts
    } = Object.fromEntries(this.#facts);
    const [shell = []] = this.#shells;
    const guard: Guard = new Guard(shell, Object.values(facts).flat(), {
      onBeat: (line) => guard === this.#guard && this.#echoed(line),
      onFiring: () => guard === this.#guard && this.#fired(),
      onGone: (what) => guard === this.#guard && this.#lost(what, TRIES),
      onUnfit: (code) => guard === this.#guard && this.#unfit(shell, code),
    });
    this.#guard = guard;
    // By the first the command's processes are found in /proc, the second may be longer than a
    // variable can be (128 kB), and the others are secrets.
    guard.send(...marker, ...ours, ...slack, ...credentials);
    if (this.#beat !== null) this.#send(this.#beat);
  }

  /** Something that every guard must know; a later one of the same name replaces it. */
  tell(name: string, ...lines: readonly string[]): void {
    if (this.#facts.get(name)?.join('\n') === lines.join('\n')) return;
    this.#facts.set(name, lines);
    this.#isInformed = false;
    this.#guard?.send(...lines);
  }

  /** Arms it with this lease, or moves the deadline. */
  beat(lease: LeaseInfo): void {
    if (this.#isSpent) return;
    const before = this.#beat;
    const line = this.#renewBeat(lease);
    if (line === before && this.#isInformed && this.#guard !== null) return;
    this.#isArmed = false;
    if (this.#guard === null) this.stand();
    else this.#send(line);
  }

  /** The same while nothing runs yet: a deadline that is still far off need not be moved. */
  beatBeforehand(lease: LeaseInfo): void {
    const now = this.#options.clock.now();
    const wanted = firingAt(lease, this.#options.lookMs());
    const isFarOff = FAR_OFF * (this.#firesAt - now) >= wanted - now;
    if (!(this.isArmed && this.#isInformed && isFarOff)) this.beat(lease);
  }

  /**
   * The gate is about to be opened: said with the newest deadline, so that a guard that has echoed
   * one long ago, and does nothing any more, is found out.
   */
  opening(lease: LeaseInfo): void {
    const state = 'open';
    this.#facts.set('gate state', [state]);
    this.#send(state, this.#renewBeat(lease));
  }

  /** A guard that has fired guards no more: the next command needs another. */
  renew(): void {
    if (!this.#isSpent) return;
    this.#discard();
    this.#beat = null;
    this.stand();
  }

  /** lockex gives up: to the guard it is as if lockex had died. */
  abandon(): void {
    this.#watch.stop();
    this.#guard?.hangUp();
    this.#guard = null;
  }

  /** Everything is dead, or nothing was started: the guard leaves. */
  dismiss(): void {
    this.#watch.stop();
    this.#guard?.kill();
    this.#guard = null;
    this.#beat = null;
    this.#isArmed = false;
    this.#isSpent = false;
    this.#fallen = 0;
    this.#facts.clear();
  }

  /** The line that tells this lease's deadline. */
  #renewBeat(lease: LeaseInfo): string {
    const { clock, lookMs } = this.#options;
    const lookMsNow = lookMs();
    this.#beat = `beat ${guardDeadline(lease, lookMsNow, clock)}`;
    this.#firesAt = firingAt(lease, lookMsNow);
    return this.#beat;
  }

  /** Lines, the last of which is a beat. */
  #send(...lines: readonly string[]): void {
    this.#isInformed = true;
    this.#guard?.send(...lines);
    this.#watch.start();
  }

  #echoed(line: string): void {
    if (line !== this.#beat) return;
    this.#watch.stop();
    this.#isArmed = true;
    this.#fallen = 0;
    this.#events.onArmed();
  }

  #fired(): void {
    this.#watch.stop();
    this.#isSpent = true;
    this.#events.onFiring();
  }

  #unfit(shell: readonly string[], code: string): void {
    const [, ...others] = this.#shells;
    if (others.length === 0) return this.#lost(`could not be started (${code})`, TRIES);
    this.#options.log(
      'warn',
      `${shell.join(' ')} cannot be executed (${code}): trying the next shell`,
    );
    this.#shells = others;
    this.#discard();
    this.stand();
  }

  #silent(): void {
    this.#lost(`has not answered for ${ECHO_MS} ms`, 1);
  }

  /** `tries`: this often another takes its place. */
  #lost(what: string, tries: number): void {
    const wasSpent = this.#isSpent;
    this.#discard();
    // What it had begun is nobody's to take up again but the machine's.
    if (wasSpent) return;
    this.#fallen += 1;
    if (this.#fallen > tries) {
      this.#events.onFailed(`the guard ${what}, and so did the one that replaced it`);
      return;
    }
    this.#options.log('warn', `the guard ${what}: another takes its place`);
    this.stand();
  }

  #discard(): void {
    this.#watch.stop();
    const guard = this.#guard;
    this.#guard = null;
    this.#isArmed = false;
    guard?.kill();
  }
}
