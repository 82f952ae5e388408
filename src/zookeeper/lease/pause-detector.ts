/**
 * Detects time during which lockex was not running: a timer fires late, or the wall clock has
 * jumped ahead of the clock of the lease.
 */

import type { Clock } from '../../util/clock.ts';
import { duration } from '../../util/duration.ts';

/** Jumps of the wall clock up to this size may be corrections, by hand or by NTP; milliseconds. */
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

  /** Ignores everything before this moment. */
  tick(): void {
    this.#lastTick = { at: this.#clock.now(), wall: this.#wallClock() };
  }

  /**
   * The detected pause, as text for a message; null: none. `dueAt`: latest time at which a timer
   * should have fired; `toleranceMs`: the normal delay on a busy host.
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
