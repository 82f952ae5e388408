/** `npm run chart`: writes docs/machine.md from the machine. */
import { writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { chartPage } from './lib/chart.js';

const bundle = await build({
  entryPoints: [new URL('../machines/lockex.ts', import.meta.url).pathname],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
});
const [code] = bundle.outputFiles;
const { lockexMachine } = await import(
  `data:text/javascript;base64,${Buffer.from(code.contents).toString('base64')}`
);
const page = new URL('../docs/machine.md', import.meta.url);
writeFileSync(page, chartPage(lockexMachine.root));
process.stdout.write('docs/machine.md\n');
