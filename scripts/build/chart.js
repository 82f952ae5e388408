/** `npm run chart`: writes docs/machine.md and docs/machine.svg from the machine. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { machineOf } from '../lib/source.js';
import { svgFileOf } from './chart-svg.js';
import { chartPage } from './draw-chart.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const machine = await machineOf(root);
writeFileSync(`${root}docs/machine.md`, chartPage(machine.root));
writeFileSync(`${root}docs/machine.svg`, await svgFileOf(machine.root));
process.stdout.write('docs/machine.md, docs/machine.svg\n');
