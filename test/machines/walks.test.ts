/**
 * Seeded random walks through worlds of several machines. A failed walk prints the command that
 * replays it. The number of transitions is fixed: nothing here depends on how fast the host is.
 */
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

/** `LOCKEX_TRANSITIONS=1000000` for a long walk. */
const TRANSITIONS = Number(process.env['LOCKEX_TRANSITIONS'] ?? 20_000);
const replay = process.env['LOCKEX_SEED'];
const seeds = replay ? [Number(replay)] : [1, 2, 3, Math.floor(Math.random() * 2 ** 31)];

describe('in a random world', () => {
  it.each(seeds)('no two commands run at once, and no machine gets stuck (seed %i)', (seed) => {
    const world = new World(seed, 4);
    const began = performance.now();
    try {
      while (world.transitions < TRANSITIONS && world.violations.length === 0) {
        world.clock.step();
      }
      expect(world.violations).toEqual([]);
      expect(world.commands).toBeGreaterThan(20);
      expect([...world.visited].sort()).toEqual(
        expect.arrayContaining(['running', 'suspended.running', 'lost.stopping', 'done']),
      );
    } catch (error) {
      const again = `LOCKEX_SEED=${seed} npx vitest run test/machines/walks.test.ts`;
      throw new Error(`replay with: ${again}`, { cause: error });
    }
    const rate = (world.transitions / (performance.now() - began)) * 60_000;
    console.info(
      `seed ${seed}: ${world.transitions} events, ${world.commands} commands, ` +
        `${world.lives} lives, ${(rate / 1e6).toFixed(1)} million events a minute`,
    );
  });
});
