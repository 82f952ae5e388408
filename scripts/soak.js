/**
 * `npm run soak -- --minutes N --seed S [--kind KIND]`: many lockexes for a few locks on a private
 * ensemble, with faults, and a judge (test/soak/README.md). It bundles test/soak, as Node runs no
 * TypeScript, and calls it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runScript } from './lib/main.js';
import { ensureBuild, ensureDependencies, provision } from './servers/provision.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

await runScript(async () => {
  await ensureDependencies();
  await provision(['zookeeper']);
  await ensureBuild();
  const { soak } = await bundled('test/soak/main.ts');
  return await soak(process.argv.slice(2), ROOT);
});

/** @param {string} entry relative to the project @returns {Promise<any>} the module */
async function bundled(entry) {
  const { build } = await import('esbuild');
  const directory = mkdtempSync(join(tmpdir(), 'lockex-bundle-'));
  try {
    const outfile = join(directory, 'soak.mjs');
    await build({
      absWorkingDir: ROOT,
      entryPoints: [entry],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
