/**
 * The ladder down: SIGTERM, a grace, SIGKILL, and the proof that nothing lives any more. Asking
 * again makes it faster, never slower. It never gives up: what does not die is reported every few
 * seconds, and goes on being killed. Processes that can't be looked at are not dead: it looks again.
 */
import type { Clock } from '../../util/clock.ts';
import { label } from './process-table.ts';
import type { Presence, ProcessScope } from './scope.ts';

/** Between two looks at what lives; a look that takes long itself is repeated less often. */
const LOOK_MS = 10;
const MAX_LOOK_MS = 200;
const REST_PER_LOOK = 4;
const UNDYING_MS = 3000;
/** What can't be looked at is reported after so long, and then as often as what does not die. */
const UNKNOWN_MS = 500;
/** While nothing was asked for but to wait, perhaps for hours. */
const PATIENT_LOOK_MS = 100;
const MAX_PATIENT_LOOK_MS = 1000;
const REST_PER_PATIENT_LOOK = 20;

export interface TerminationOptions {
  readonly reach: ProcessScope;
  readonly clock: Clock;
  /** The first process has ended, and how is known: nothing is over before. */
  readonly hasExited: () => boolean;
  /** `unknown`: why it could not be looked at whether there are others; null: it could. */
  readonly onUndying: (processes: readonly string[], unknown: string | null) => void;
  /** Until something is requested, what lives is only waited for. */
  readonly isPatient: boolean;
  /** Everything is dead. `means` is 'none' when no signal was sent. */
  readonly onDone: (means: 'none' | 'SIGTERM' | 'SIGKILL', outlived: readonly string[]) => void;
}

export class Termination {
  readonly #options: TerminationOptions;
  #timer: unknown = null;
  #means: 'none' | 'SIGTERM' | 'SIGKILL' = 'none';
  #killAt = Number.POSITIVE_INFINITY;
  /** When it is next to be reported that something does not die, or can't be looked at. */
  #nextReport = Number.POSITIVE_INFINITY;
  #outlived: readonly string[] = [];
  #isOver = false;

  constructor(options: TerminationOptions) {
    this.#options = options;
  }

  /** SIGTERM now, SIGKILL at `killAt` (of the clock) or at what was asked for before, if sooner. */
  request(killAt: number): void {
    if (this.#isOver) return;
    const presence = this.#presence();
    if (this.#endIfEmpty(presence)) return;
    this.#killAt = Math.min(this.#killAt, killAt);
    if (this.#means === 'none' && this.#options.clock.now() < this.#killAt)
      this.#terminate(presence);
    this.#lookOn(presence);
  }

  cancel(): void {
    this.#isOver = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** Now, and again and again until everything has ended: asks for nothing by itself. */
  look(): void {
    if (!this.#isOver) this.#lookOn(null);
  }

  /** `presence`: as it was a moment ago; null: to be looked at. */
  #lookOn(presence: Presence | null): void {
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
    this.#timer = clock.setTimeout(() => this.look(), Math.min(restMs, untilKillMs));
  }

  #restMs(tookMs: number): number {
    const isWaiting = this.#options.isPatient && this.#killAt === Number.POSITIVE_INFINITY;
    return isWaiting
      ? Math.min(MAX_PATIENT_LOOK_MS, Math.max(PATIENT_LOOK_MS, REST_PER_PATIENT_LOOK * tookMs))
      : Math.min(MAX_LOOK_MS, Math.max(LOOK_MS, REST_PER_LOOK * tookMs));
  }

  #presence(): Presence {
    const { reach, hasExited } = this.#options;
    return hasExited() ? reach.presence() : { state: 'populated' };
  }

  #endIfEmpty(presence: Presence): boolean {
    if (presence.state !== 'empty') return false;
    this.cancel();
    this.#options.onDone(this.#means, this.#outlived);
    return true;
  }

  #terminate(presence: Presence): void {
    const { reach } = this.#options;
    if (!this.#isSomethingLeft(presence)) return;
    this.#means = 'SIGTERM';
    reach.signal('SIGTERM');
    // A stopped process acts on nothing but this and SIGKILL.
    reach.signal('SIGCONT');
  }

  #kill(now: number, presence: Presence): void {
    if (this.#means !== 'SIGKILL' && this.#isSomethingLeft(presence)) {
      this.#means = 'SIGKILL';
      this.#nextReport = now + UNDYING_MS;
    }
    this.#options.reach.kill();
  }

  /** False: as far as can be seen nothing is. Notes what outlives the command's first process. */
  #isSomethingLeft(presence: Presence): boolean {
    const { reach, hasExited } = this.#options;
    if (!hasExited()) return true;
    const outlived = reach.living().map(label);
    if (outlived.length > 0) this.#outlived = outlived;
    return outlived.length > 0 || presence.state === 'populated';
  }

  #report(now: number, presence: Presence): void {
    const unknown = presence.state === 'unknown' ? presence.reason : null;
    const isFirst = unknown !== null && this.#nextReport === Number.POSITIVE_INFINITY;
    if (isFirst) this.#nextReport = now + UNKNOWN_MS;
    if (now < this.#nextReport || (unknown === null && now < this.#killAt)) return;
    this.#nextReport = now + UNDYING_MS;
    this.#options.onUndying(this.#options.reach.living().map(label), unknown);
  }
}
