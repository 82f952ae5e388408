/** Histories of the real code under faults: fixed seeds, and new ones that are printed. */
import { expect, it } from 'vitest';
import { runHistory } from './history.ts';

const FIXED = 16;
const NEW = 4;

async function expectGood(seed: number): Promise<void> {
  const { violations, faults, kind, grants } = await runHistory(seed);
  const replay = `npm run simulate -- --seed ${seed} --histories 1`;
  expect(violations, `${replay} (${kind}: ${faults.join(', ')})`).toEqual([]);
  expect(grants, replay).toBeGreaterThan(0);
}

it(`${FIXED} fixed histories break no rule`, { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= FIXED; seed += 1) await expectGood(seed);
});

it(`${NEW} new histories break no rule`, { timeout: 300_000 }, async () => {
  const first = Math.floor(Math.random() * 2 ** 30);
  process.stderr.write(`seeds ${first} to ${first + NEW - 1}\n`);
  for (let seed = first; seed < first + NEW; seed += 1) await expectGood(seed);
});

it('the same seed gives the same history', async () => {
  const [one, other] = [await runHistory(3), await runHistory(3)];
  expect(other.hash).toBe(one.hash);
});
