/**
 * `npm run simulate -- [--seed S] [--minutes M] [--histories N] [--mutation NAME | --mutations]`:
 * the real code on a simulated ensemble, network and hosts, under faults (docs/simulation.md).
 * `--mutation` applies a known fault of test/simulation/mutations.ts, which has to be found;
 * `--mutations` prints the table of all of them.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { MUTATIONS, type Mutation } from '../test/simulation/mutations.ts';
import { embeddedScripts } from './build/embedded-scripts.ts';
import { ProvisionError, runScript } from './lib/main.js';

type Main = typeof import('../test/simulation/main.ts');

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

await runScript(async () => {
  const options = {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 30)) },
    minutes: { type: 'string', default: '2' },
    histories: { type: 'string', default: 'Infinity' },
    mutation: { type: 'string' },
    mutations: { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ options });
  const [seed, minutes, maxHistories] = [values.seed, values.minutes, values.histories].map(Number);
  if (!(Number.isSafeInteger(seed) && Number(minutes) > 0 && Number(maxHistories) > 0)) {
    throw new ProvisionError('--seed, --minutes and --histories are numbers');
  }
  const run = async (name: string | null, print: (line: string) => void) => {
    const { simulate } = await load(name === null ? null : mutationOf(name));
    const cpuMs = () => process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000;
    const bounds = { seed: Number(seed), minutes: Number(minutes) };
    return await simulate({ ...bounds, maxHistories: Number(maxHistories), cpuMs, print });
  };
  const write = (line: string) => process.stdout.write(`${line}\n`);
  if (!values.mutations) return await run(values.mutation ?? null, write);
  let isComplete = true;
  for (const name of Object.keys(MUTATIONS)) {
    const lines: string[] = [];
    const isFound = (await run(name, (line) => lines.push(line))) === 1;
    isComplete &&= isFound;
    const where = lines.find((line) => line.startsWith('FAILED'))?.slice('FAILED: '.length);
    const what = lines.find((line) => line.startsWith('violation'))?.replace(/^.*?ms: /, '');
    write(`| ${name} | ${where ?? 'not found'} | ${what ?? ''} |`);
  }
  return isComplete ? 0 : 1;
});

function mutationOf(name: string): Mutation {
  const mutation = MUTATIONS[name];
  if (mutation !== undefined) return mutation;
  throw new ProvisionError(`no mutation ${name}: ${Object.keys(MUTATIONS).join(', ')}`);
}

async function load(mutation: Mutation | null): Promise<Main> {
  const directory = mkdtempSync(join(tmpdir(), 'lockex-simulate-'));
  try {
    const outfile = join(directory, 'simulate.cjs');
    await build({
      ...{ absWorkingDir: ROOT, outfile, entryPoints: ['test/simulation/main.ts'] },
      ...{ bundle: true, format: 'cjs', platform: 'node', target: 'node20', logLevel: 'error' },
      plugins: [...(mutation === null ? [] : [replacing(mutation)]), embeddedScripts],
    });
    return require(outfile) as Main;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Replaces the text of a mutation; the build fails if it does not occur exactly once. */
function replacing({ file, text, replacement }: Mutation): Plugin {
  const path = join(ROOT, file);
  return {
    name: 'mutation',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, (loaded) => {
        if (loaded.path !== path) return undefined;
        const parts = readFileSync(path, 'utf8').split(text);
        if (parts.length !== 2) throw new Error(`${file} has not exactly one: ${text}`);
        return { contents: parts.join(replacement), loader: 'ts' };
      });
    },
  };
}
