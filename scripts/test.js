/**
 * `npm test`: gets what the tests need, builds, and runs every test, on servers of its own. What
 * comes behind `--` goes to vitest.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { runScript } from './lib/main.js';
import { ensureBuild, ensureDependencies, provision } from './lib/provision.js';

await runScript(async () => {
  await ensureDependencies();
  await provision([
    'zookeeper',
    'kazoo',
    'redis',
    'supervisor',
    'chromium',
    'faketime',
    'systemd',
    'openssl',
  ]);
  await ensureBuild();
  const { ZKHOSTS: _, ...env } = process.env;
  const vitest = spawn('npx', ['--no-install', 'vitest', 'run', ...process.argv.slice(2)], {
    stdio: 'inherit',
    env,
  });
  const [status] = await once(vitest, 'exit');
  return status ?? 1;
});
