/**
 * `npm run build:standalone`: one executable that needs no Node, dist/standalone/lockex. The
 * bundle is the same as for Node, compiled with Bun from npm's prebuilt package.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { runScript } from '../lib/main.js';
import { bundleOptions, shims } from './bundle.ts';
import { embeddedScripts } from './embedded-scripts.ts';
import { inspectorPage } from './inspector-page.ts';
import { licensesOf } from './licenses.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const directory = `${root}/dist/standalone`;

const RUNTIME = [
  // lockex must not depend on files in the current directory: Bun would execute the code that a
  // bunfig.toml names there, and pass the variables of .env to the command.
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
  // No code here is hot: compiling it takes a sixth of the time of a short run, and memory in a
  // long one.
  '--compile-jit-policy=1000',
  // This optimisation of hot code makes cold code slower: a start, by one millisecond.
  '--no-optimize-bytecode',
];

/** A file of src/platform/ is replaced by the one of the same name in src/platform/bun/. */
const platform: Plugin = {
  name: 'platform',
  setup({ onResolve }) {
    onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir }) => {
      const file = join(resolveDir, path);
      const replacement = join(root, 'src/platform/bun', basename(file));
      const isReplaced = dirname(file) === `${root}/src/platform` && existsSync(replacement);
      return isReplaced ? { path: replacement } : undefined;
    });
  },
};

await runScript(async () => {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const bundle = `${directory}/bundle.cjs`;
  const { metafile } = await build({
    ...bundleOptions(root),
    entryPoints: ['src/standalone.ts'],
    outfile: bundle,
    supported: { 'dynamic-import': false },
    plugins: [platform, shims(root), embeddedScripts],
    define: { INSPECTOR_PAGE: JSON.stringify(await inspectorPage(root)) },
    metafile: true,
  });
  compile(bundle, `${directory}/lockex`);
  rmSync(bundle);
  writeFileSync(`${directory}/licenses.txt`, licensesOf(root, Object.keys(metafile.inputs)));
  const megabytes = Math.round(statSync(`${directory}/lockex`).size / 1024 / 1024);
  process.stdout.write(`dist/standalone/lockex  ${megabytes} MB\n`);
  return 0;
});

function compile(bundle: string, outfile: string) {
  const args = ['build', '--compile', '--bytecode', '--format=cjs', ...RUNTIME];
  args.push(bundle, '--outfile', outfile);
  const { status, stderr, error } = spawnSync(bun(), args, { cwd: directory, encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`bun build failed:\n${stderr}`);
}

/** The program of the package `bun`, or of the package that its install script copies it from. */
function bun() {
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;
  const places = [
    'bun/bin/bun.exe',
    ...['', '-musl'].map((libc) => `@oven/bun-${process.platform}-${arch}${libc}/bin/bun`),
  ].map((place) => `${root}/node_modules/${place}`);
  // If that script did not run, bun.exe is a short text file with an error message.
  const found = places.find((place) => existsSync(place) && statSync(place).size > 1_000_000);
  if (found === undefined) throw new Error('no Bun is installed for this machine (run npm ci)');
  return found;
}
