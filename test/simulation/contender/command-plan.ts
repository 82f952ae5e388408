/** How a simulated command behaves, drawn for each execution. */
import type { Random } from '../../support/random.ts';

/** Times in milliseconds of the host's clock. */
export interface CommandPlan {
  /** Until the first process exits by itself. */
  readonly runMs: number;
  /** SIGTERM has no effect. */
  readonly ignoresTerm: boolean;
  /** A process that the first one forked lives for so long after it; null: there is none. */
  readonly leftoverMs: number | null;
}

export function drawPlan(random: Random, maxRunMs: number): CommandPlan {
  return {
    runMs: random.between(20, maxRunMs),
    ignoresTerm: random.chance(0.5),
    leftoverMs: random.chance(0.25) ? random.between(0, 2000) : null,
  };
}
