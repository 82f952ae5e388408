/**
 * The ladder down: SIGTERM, a grace, SIGKILL, and the proof that nothing lives any more. Asking
 * again makes it faster, never slower. It never gives up: what does not die is told every few
 * seconds, and goes on being killed.
 */
import type { Clock } from '../clock.ts';
import { label } from './process-table.ts';
import type { Reach } from './reach.ts';

/** Between two looks at what lives; a look that takes long itself is repeated less often. */
const LOOK_MS = 10;
const LONGEST_LOOK_MS = 200;
const REST_PER_LOOK = 4;
const UNDYING_MS = 3000;
/** While nothing was asked for but to wait, perhaps for hours. */
const PATIENT_LOOK_MS = 100;
const MAX_PATIENT_LOOK_MS = 1000;
const REST_PER_PATIENT_LOOK = 20;

export interface StoppingOptions {
  readonly reach: Reach;
  readonly clock: Clock;
  /** The first process has ended, and how is known: nothing is over before. */
  readonly hasExited: () => boolean;
  /** Until something is requested, what lives is only waited for. */
  readonly isPatient: boolean;
  readonly onUndying: (processes: readonly string[]) => void;
  /** Everything is dead. `means` is 'none' when no signal was sent. */
  readonly onDone: (means: 'none' | 'SIGTERM' | 'SIGKILL', outlived: readonly string[]) => void;
}

export class Stopping {
  readonly #options: StoppingOptions;
  #timer: unknown = null;
  #means: 'none' | 'SIGTERM' | 'SIGKILL' = 'none';
  #killAt = Number.POSITIVE_INFINITY;
  #nextComplaint = 0;
  #outlived: readonly string[] = [];
  #isOver = false;

  constructor(options: StoppingOptions) {
    this.#options = options;
  }

  /** SIGTERM now, SIGKILL at `killAt` (of the clock) or at what was asked for before, if sooner. */
  request(killAt: number): void {
    const { reach, clock } = this.#options;
    if (this.#isOver || this.#endIfEmpty()) return;
    this.#killAt = Math.min(this.#killAt, killAt);
    if (this.#means === 'none' && clock.now() < this.#killAt) {
      this.#means = 'SIGTERM';
      this.#noteOutlived();
      reach.signal('SIGTERM');
      // A stopped process acts on nothing but this and SIGKILL.
      reach.signal('SIGCONT');
    }
    this.look();
  }

  cancel(): void {
    this.#isOver = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** Now, and again and again until everything has ended: asks for nothing by itself. */
  look(): void {
    if (this.#isOver) return;
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    const begun = clock.now();
    if (this.#endIfEmpty()) return;
    if (begun >= this.#killAt) this.#kill(begun);
    const tookMs = clock.now() - begun;
    const restMs = this.#restMs(tookMs);
    const untilKillMs = this.#killAt > begun ? this.#killAt - begun : restMs;
    this.#timer = clock.setTimeout(() => this.look(), Math.min(restMs, untilKillMs));
  }

  #restMs(tookMs: number): number {
    const isWaiting = this.#options.isPatient && this.#killAt === Number.POSITIVE_INFINITY;
    return isWaiting
      ? Math.min(MAX_PATIENT_LOOK_MS, Math.max(PATIENT_LOOK_MS, REST_PER_PATIENT_LOOK * tookMs))
      : Math.min(LONGEST_LOOK_MS, Math.max(LOOK_MS, REST_PER_LOOK * tookMs));
  }

  #endIfEmpty(): boolean {
    const { reach, hasExited } = this.#options;
    if (!hasExited() || !reach.isEmpty()) return false;
    this.cancel();
    this.#options.onDone(this.#means, this.#outlived);
    return true;
  }

  #kill(now: number): void {
    if (this.#means !== 'SIGKILL') {
      this.#means = 'SIGKILL';
      this.#nextComplaint = now + UNDYING_MS;
      this.#noteOutlived();
    }
    this.#options.reach.kill();
    if (now < this.#nextComplaint) return;
    this.#nextComplaint = now + UNDYING_MS;
    this.#options.onUndying(this.#options.reach.living().map(label));
  }

  /** What lives although the command's first process does not, and has to be signalled for it. */
  #noteOutlived(): void {
    if (this.#options.hasExited()) this.#outlived = this.#options.reach.living().map(label);
  }
}
