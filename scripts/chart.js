/** `npm run chart`: writes docs/machine.md and docs/machine.svg from the machine. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chartPage } from './lib/chart.js';
import { svgFileOf } from './lib/chart-svg.js';
import { machineOf } from './lib/source.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const machine = await machineOf(root);
writeFileSync(`${root}docs/machine.md`, chartPage(machine.root));
writeFileSync(`${root}docs/machine.svg`, await svgFileOf(machine.root));
process.stdout.write('docs/machine.md, docs/machine.svg\n');
