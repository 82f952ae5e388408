/**
 * Notices time that passed without lockex: a timer that fires late, or a wall clock that jumped
 * ahead of the clock that leases are counted by.
 */

import type { Clock } from '../../util/clock.ts';
import { duration } from '../../util/duration.ts';

/** Jumps of a wall clock that is set by hand or by NTP, and mean nothing; milliseconds. */
const WALL_JUMP_MS = 1000;

export class PauseDetector {
  readonly #clock: Clock;
  readonly #wallClock: () => number;
  #lastTick = { at: 0, wall: 0 };

  /** `wallClock`: milliseconds since the epoch. */
  constructor(clock: Clock, wallClock: () => number) {
    this.#clock = clock;
    this.#wallClock = wallClock;
  }

  /** Nothing before this moment counts. */
  tick(): void {
    this.#lastTick = { at: this.#clock.now(), wall: this.#wallClock() };
  }

  /**
   * The pause that was noticed, as a sentence; null: none. `dueAt`: when a timer should have fired
   * at the latest; `toleranceMs`: the delay of a busy host.
   */
  pauseSince(dueAt: number, toleranceMs: number): string | null {
    const now = this.#clock.now();
    const late = now - dueAt;
    if (late > toleranceMs) return `lockex was not scheduled for ${duration(late)}`;
    const jump = this.#wallClock() - this.#lastTick.wall - (now - this.#lastTick.at);
    if (jump > Math.max(WALL_JUMP_MS, toleranceMs)) {
      return `the wall clock jumped ahead by ${duration(jump)}: the host may have been paused`;
    }
    return null;
  }
}
