/**
 * `npm run release -- patch|minor|major|X.Y.Z [--dry-run]`: checks everything, sets the version,
 * dates the changelog, builds all artefacts with checksums, commits and tags. Never publishes
 * anything.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runScript, say } from './lib/main.js';
import { release } from './lib/release.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

await runScript(async () => {
  release(process.argv.slice(2), {
    root: ROOT,
    today: new Date().toISOString().slice(0, 10),
    run,
    print: say,
  });
  return 0;
});

/** Shows the output of long steps as it comes, and returns that of git. */
function run(command: string, ...args: string[]): string {
  const output = command === 'git' ? 'pipe' : 'inherit';
  const { status, error, stdout } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', output, 'inherit'],
  });
  if (status !== 0) throw error ?? new Error(`${[command, ...args].join(' ')} failed (${status})`);
  return stdout ?? '';
}
