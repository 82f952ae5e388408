import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { lockexMachine } from '../../machines/lockex.ts';
import { svgFileOf } from '../../scripts/build/chart-svg.ts';
import { chartPage } from '../../scripts/build/draw-chart.ts';

it('docs/machine.md shows the machine as it is (npm run chart)', () => {
  const page = readFileSync(new URL('../../docs/machine.md', import.meta.url), 'utf8');
  expect(page).toBe(chartPage(lockexMachine.root));
});

it('docs/machine.svg shows the machine as it is (npm run chart)', async () => {
  const picture = readFileSync(new URL('../../docs/machine.svg', import.meta.url), 'utf8');
  expect(picture).toBe(await svgFileOf(lockexMachine.root));
});
