/**
 * `npm test`: installs the programs that the tests need, builds, and runs every test on private
 * servers. `npm run test:standalone`: the tests of the program, with the standalone executable.
 * Arguments after `--` are passed to Vitest.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runScript } from './lib/main.js';
import { ensureBuild, ensureStandalone, provision } from './servers/provision.ts';

await runScript(async () => {
  await provision([
    'zookeeper',
    'kazoo',
    'curator',
    'redis',
    'supervisor',
    'chromium',
    'faketime',
    'systemd',
    'openssl',
    'shells',
    'sudo',
    'man',
  ]);
  await ensureBuild();
  const { ZKHOSTS: _, ...env } = process.env;
  const args = process.argv.slice(2);
  if (args[0] === '--standalone') {
    await ensureStandalone();
    env['LOCKEX_PROGRAM'] = fileURLToPath(new URL('../dist/standalone/lockex', import.meta.url));
    args.splice(0, 1, 'test/e2e', 'test/faults', 'test/supervisord');
  }
  const vitest = spawn('npx', ['--no-install', 'vitest', 'run', ...args], {
    stdio: 'inherit',
    env,
  });
  const [status] = await once(vitest, 'exit');
  return status ?? 1;
});
