/**
 * `npm run soak -- --minutes N --seed S [--kind KIND]`: many lockex processes contend for a few
 * locks on a private ensemble, with faults and a checker (test/soak/README.md).
 */
import { fileURLToPath } from 'node:url';
import { runScript } from './lib/main.js';
import { ensureBuild, provision } from './servers/provision.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

await runScript(async () => {
  await provision(['zookeeper']);
  await ensureBuild();
  const { soak } = await import('../test/soak/main.ts');
  return await soak(process.argv.slice(2), ROOT);
});
