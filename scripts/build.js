/** `npm run build`: bundles the program, so that a start reads one file instead of hundreds. */
import { chmodSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { licensesOf } from './lib/licenses.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What is built, and from what. */
const ENTRIES = [
  { from: 'src/main.ts', to: 'dist/lockex.js', executable: true },
  { from: 'src/reaper.ts', to: 'dist/reaper.js', executable: false },
];

/** CommonJS packages in an ES module: they call `require`, which such a module does not have. */
const BANNER = `#!/usr/bin/env node
import { createRequire as lockexCreateRequire } from 'node:module';
const require = lockexCreateRequire(import.meta.url);`;

rmSync(`${root}/dist`, { recursive: true, force: true });
const inputs = new Set();
for (const { from, to, executable } of ENTRIES) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [from],
    outfile: to,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    banner: { js: BANNER },
    logLevel: 'warning',
    metafile: true,
  });
  for (const input of Object.keys(metafile.inputs)) inputs.add(input);
  if (executable) chmodSync(`${root}/${to}`, 0o755);
  process.stdout.write(`${to}  ${Math.round(statSync(`${root}/${to}`).size / 1024)} kB\n`);
}
writeFileSync(`${root}/dist/licenses.txt`, licensesOf(root, [...inputs]));
