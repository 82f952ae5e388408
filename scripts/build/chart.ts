/** `npm run chart`: writes docs/machine.md and docs/machine.svg from the machine. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lockexMachine } from '../../machines/lockex.ts';
import { svgFileOf } from './chart-svg.ts';
import { chartPage } from './draw-chart.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
writeFileSync(`${root}docs/machine.md`, chartPage(lockexMachine.root));
writeFileSync(`${root}docs/machine.svg`, await svgFileOf(lockexMachine.root));
process.stdout.write('docs/machine.md, docs/machine.svg\n');
