/**
 * `npm run build`: bundles each program into one file, so that a start reads one file instead of
 * hundreds, and stores V8's compiled code beside it (src/launch.ts).
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, Plugin } from 'esbuild';
import { build, transform } from 'esbuild';
import { codeCacheName } from '../../src/platform/code-cache.ts';
import { bundleOptions, shims } from './bundle.ts';
import { completions } from './completions.ts';
import { embeddedScripts } from './embedded-scripts.ts';
import { inspectorPage } from './inspector-page.ts';
import { licensesOf } from './licenses.ts';
import { manualPage } from './manual.ts';
import { startRehearsal } from './rehearsal.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

const packageJson = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));

/** The server for the runs in which V8 compiles the code that a start uses. */
const rehearsal = await startRehearsal();

/** The programs, their sources, and the arguments and stdin of such a run. */
const PROGRAMS = [
  {
    name: 'lockex',
    from: 'src/main.ts',
    run: ['-z', `127.0.0.1:${rehearsal.port}`, '--', 'true'],
  },
  { name: 'reaper', from: 'src/reaper.ts', run: [], input: orphanedSessionLine(rehearsal.port) },
];

/** Loaded only when they are needed; each contains its own dependencies. */
const PARTS = [
  { name: 'status', from: 'src/status/main.ts' },
  { name: 'inspector', from: 'src/inspector/main.ts' },
];

/** The program is a function, called by src/launch.ts. */
const OPENING =
  '(function(require,lockexFile){' +
  'const lockexUrl=require("node:url").pathToFileURL(lockexFile).href;';
const CLOSING = '})';

const URL_IN_CJS = { 'import.meta.url': 'partUrl' };

/** For bundled CommonJS packages, which `require` Node's modules. */
const REQUIRE_IN_ESM =
  'import{createRequire}from"node:module";const require=createRequire(import.meta.url);';

/** @param name of the variable that replaces `import.meta.url` */
function fileUrl(name: string) {
  return `const ${name}=require("node:url").pathToFileURL(__filename).href;`;
}

const parts: Plugin = {
  name: 'parts',
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\/\w+\/main\.ts$/ }, ({ path, kind }) => {
      const part = PARTS.find(({ from }) => from === path.replace(/^\.{1,2}\//, 'src/'));
      const isPart = part !== undefined && kind === 'dynamic-import';
      return isPart ? { path: `./program/${part.name}.js`, external: true } : undefined;
    });
  },
};

const COMMON: BuildOptions = {
  ...bundleOptions(root),
  // The program is not a module: it has `require`, but no `import()`.
  supported: { 'dynamic-import': false },
  plugins: [shims(root), embeddedScripts, parts],
};

for (const name of existsSync(`${root}/dist`) ? readdirSync(`${root}/dist`) : []) {
  // Their own scripts build them.
  if (name === 'standalone' || name.endsWith('.deb')) continue;
  rmSync(`${root}/dist/${name}`, { recursive: true });
}
mkdirSync(`${root}/dist/program`, { recursive: true });
writeFileSync(`${root}/dist/package.json`, '{ "type": "commonjs" }\n');
const nodeCheck = await nodeCheckFor(packageJson.engines.node);
const inputs = new Set<string>();
for (const { name, from, run, input = '' } of PROGRAMS) {
  const program = `dist/program/${name}.js`;
  const { metafile } = await build({
    ...COMMON,
    entryPoints: [from],
    outfile: program,
    define: { 'import.meta.url': 'lockexUrl' },
    banner: { js: OPENING },
    footer: { js: CLOSING },
    metafile: true,
  });
  for (const input of Object.keys(metafile.inputs)) inputs.add(input);
  await build({
    ...COMMON,
    entryPoints: ['src/launch.ts'],
    outfile: `dist/${name}.js`,
    // Node parses the whole file before it runs the check: an old Node has to know its syntax.
    target: 'es2015',
    banner: { js: `#!/usr/bin/env node\n'use strict';${nodeCheck}` },
  });
  chmodSync(`${root}/dist/${name}.js`, 0o755);
  await compile(name, run, input);
  process.stdout.write(
    `${program}  ${Math.round(statSync(`${root}/${program}`).size / 1024)} kB\n`,
  );
}
rehearsal.close();
for (const { name, from } of PARTS) {
  const { metafile } = await build({
    ...COMMON,
    entryPoints: [from],
    outfile: `dist/program/${name}.js`,
    define: URL_IN_CJS,
    banner: { js: fileUrl('partUrl') },
    metafile: true,
  });
  for (const input of Object.keys(metafile.inputs)) inputs.add(input);
}
writeFileSync(`${root}/dist/program/inspector.html`, await inspectorPage(root));
for (const format of ['esm', 'cjs'] as const) await buildLibrary(format);
declareTypes();
writeFileSync(`${root}/dist/licenses.txt`, licensesOf(root, [...inputs]));
const { bash, zsh, fish } = completions();
mkdirSync(`${root}/dist/share/completions`, { recursive: true });
writeFileSync(`${root}/dist/share/lockex.1`, manualPage());
writeFileSync(`${root}/dist/share/completions/lockex.bash`, bash);
writeFileSync(`${root}/dist/share/completions/_lockex`, zsh);
writeFileSync(`${root}/dist/share/completions/lockex.fish`, fish);

/** In its own process, because a program exits; and without tsx, like a real run. */
async function compile(name: string, run: string[], input: string) {
  const script = `${root}/dist/compile.mjs`;
  await build({
    absWorkingDir: root,
    entryPoints: ['scripts/build/compile.ts'],
    outfile: script,
    format: 'esm',
    platform: 'node',
    target: 'node20',
  });
  // A cache is valid only for the same V8 flags (src/platform/code-cache.ts).
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(
    process.execPath,
    [script, `${root}/dist`, name, codeCacheName(name), ...run],
    {
      stdio: ['pipe', 'ignore', 'ignore'],
      env,
      timeout: 60_000,
    },
  );
  child.stdin.end(input);
  const [status] = await once(child, 'exit');
  rmSync(script);
  if (status !== 0) throw new Error(`${name} exited with ${status} while its code was compiled`);
}

/** scripts/check-node.cjs in one line, with the required version instead of the `require`. */
async function nodeCheckFor(required: string) {
  const source = readFileSync(`${root}/scripts/check-node.cjs`, 'utf8');
  const [before, after, ...others] = source.split("require('../package.json').engines.node");
  if (after === undefined || others.length > 0) throw new Error('check-node.cjs has changed');
  const text = before + JSON.stringify(required) + after;
  return (await transform(text, { target: 'es5', minify: true })).code.trim();
}

async function buildLibrary(format: 'esm' | 'cjs') {
  const kind = format === 'esm' ? 'm' : 'c';
  await build({
    ...COMMON,
    plugins: [shims(root), embeddedScripts],
    supported: {},
    entryPoints: ['src/index.ts'],
    outfile: `dist/index.${kind}js`,
    format,
    // A program that passes its own actors to the machine has to create them with the same xstate.
    external: ['xstate'],
    ...(format === 'cjs'
      ? { banner: { js: fileUrl('partUrl') }, define: URL_IN_CJS }
      : { banner: { js: REQUIRE_IN_ESM } }),
  });
  writeFileSync(`${root}/dist/index.d.${kind}ts`, "export * from './types/src/index.ts';\n");
}

/** dist/types: the types of `import … from 'lockex'`. */
function declareTypes() {
  const tsc = `${root}/node_modules/.bin/tsc`;
  const { status, error } = spawnSync(tsc, ['-p', `${root}/scripts/build/tsconfig.types.json`], {
    stdio: 'inherit',
  });
  if (status !== 0) throw error ?? new Error('tsc could not emit the types');
}

/** A line in the format of src/zookeeper/reap.ts, for a session that does not exist. */
function orphanedSessionLine(port: number) {
  const hosts = [{ host: '127.0.0.1', port }];
  const access = { hosts, chroot: '', auth: null, tls: null, acl: [] };
  const orphan = { access, timeoutMs: 500, id: '01'.repeat(8), password: '00'.repeat(16) };
  return Buffer.from(JSON.stringify(orphan)).toString('base64');
}
