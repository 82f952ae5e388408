/**
 * Ends the processes of a scope: SIGTERM, a grace, SIGKILL, and the proof that no process is left.
 * A repeated request can only shorten the time. It never gives up: it reports processes that
 * survive SIGKILL every few seconds, and kills them again. A process that cannot be read counts as
 * alive: the scope is checked again.
 */
import type { Clock } from '../../util/clock.ts';
import { label } from './process-table.ts';
import type { Presence, ProcessScope } from './scope.ts';

/** Pause between two checks; it is longer if checks take long. */
const CHECK_MS = 10;
const MAX_CHECK_MS = 200;
const REST_PER_CHECK = 4;
/** Time between two reports of processes that survive SIGKILL. */
const UNKILLABLE_MS = 3000;
/** Time until the first report of a scope that cannot be read. */
const UNKNOWN_MS = 500;
/** Pause between two checks while lockex only waits for the processes, possibly for hours. */
const PATIENT_CHECK_MS = 100;
const MAX_PATIENT_CHECK_MS = 1000;
const REST_PER_PATIENT_CHECK = 20;

export interface TerminationOptions {
  readonly scope: ProcessScope;
  readonly clock: Clock;
  /** True if the first process has ended and its exit was reported. */
  readonly hasExited: () => boolean;
  /** `unknown`: the reason if it is unknown whether other processes are left; null: it is known. */
  readonly onUnkillable: (processes: readonly string[], unknown: string | null) => void;
  /** Only wait for the processes until a stop is requested. */
  readonly isPatient: boolean;
  /** No process is left. `means` is 'none' if no signal was sent. */
  readonly onDone: (means: 'none' | 'SIGTERM' | 'SIGKILL', outlived: readonly string[]) => void;
}

export class Termination {
  readonly #options: TerminationOptions;
  #timer: unknown = null;
  #means: 'none' | 'SIGTERM' | 'SIGKILL' = 'none';
  #killAt = Number.POSITIVE_INFINITY;
  /** Time of the next report that processes survive SIGKILL, or cannot be read. */
  #nextReport = Number.POSITIVE_INFINITY;
  #outlived: readonly string[] = [];
  #isOver = false;

  constructor(options: TerminationOptions) {
    this.#options = options;
  }

  /**
   * Sends SIGTERM now, and SIGKILL at `killAt` (of the clock) or at an earlier time requested
   * before.
   */
  request(killAt: number): void {
    if (this.#isOver) return;
    const presence = this.#presence();
    if (this.#endIfEmpty(presence)) return;
    this.#killAt = Math.min(this.#killAt, killAt);
    if (this.#means === 'none' && this.#options.clock.now() < this.#killAt)
      this.#terminate(presence);
    this.#check(presence);
  }

  cancel(): void {
    this.#isOver = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** Checks now, and again until no process is left. Does not request a stop. */
  check(): void {
    if (!this.#isOver) this.#check(null);
  }

  /** `presence`: the result of a check just now; null: not checked yet. */
  #check(presence: Presence | null): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    const begun = clock.now();
    const current = presence ?? this.#presence();
    if (this.#endIfEmpty(current)) return;
    if (begun >= this.#killAt) this.#kill(begun, current);
    this.#report(begun, current);
    const tookMs = clock.now() - begun;
    const restMs = this.#restMs(tookMs);
    const untilKillMs = this.#killAt > begun ? this.#killAt - begun : restMs;
    this.#timer = clock.setTimeout(() => this.check(), Math.min(restMs, untilKillMs));
  }

  #restMs(tookMs: number): number {
    const isWaiting = this.#options.isPatient && this.#killAt === Number.POSITIVE_INFINITY;
    return isWaiting
      ? Math.min(MAX_PATIENT_CHECK_MS, Math.max(PATIENT_CHECK_MS, REST_PER_PATIENT_CHECK * tookMs))
      : Math.min(MAX_CHECK_MS, Math.max(CHECK_MS, REST_PER_CHECK * tookMs));
  }

  #presence(): Presence {
    const { scope, hasExited } = this.#options;
    return hasExited() ? scope.presence() : { state: 'populated' };
  }

  #endIfEmpty(presence: Presence): boolean {
    if (presence.state !== 'empty') return false;
    this.cancel();
    this.#options.onDone(this.#means, this.#outlived);
    return true;
  }

  #terminate(presence: Presence): void {
    const { scope } = this.#options;
    if (!this.#isSomethingLeft(presence)) return;
    this.#means = 'SIGTERM';
    scope.signal('SIGTERM');
    // A stopped process acts only on SIGCONT and SIGKILL.
    scope.signal('SIGCONT');
  }

  #kill(now: number, presence: Presence): void {
    if (this.#means !== 'SIGKILL' && this.#isSomethingLeft(presence)) {
      this.#means = 'SIGKILL';
      this.#nextReport = now + UNKILLABLE_MS;
    }
    this.#options.scope.kill();
  }

  /** False if no process can be found. Records the processes that outlive the first one. */
  #isSomethingLeft(presence: Presence): boolean {
    const { scope, hasExited } = this.#options;
    if (!hasExited()) return true;
    const outlived = scope.living().map(label);
    if (outlived.length > 0) this.#outlived = outlived;
    return outlived.length > 0 || presence.state === 'populated';
  }

  #report(now: number, presence: Presence): void {
    const unknown = presence.state === 'unknown' ? presence.reason : null;
    const isFirst = unknown !== null && this.#nextReport === Number.POSITIVE_INFINITY;
    if (isFirst) this.#nextReport = now + UNKNOWN_MS;
    if (now < this.#nextReport || (unknown === null && now < this.#killAt)) return;
    this.#nextReport = now + UNKILLABLE_MS;
    this.#options.onUnkillable(this.#options.scope.living().map(label), unknown);
  }
}
