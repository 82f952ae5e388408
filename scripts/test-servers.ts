/**
 * `npm run test:servers -- [OPTION…] [PATH…]`: runs test suites on each release line of ZooKeeper
 * that this machine has or that Maven can fetch, one line after another. docs/servers.md describes
 * it. Other arguments are passed to Vitest.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProvisionError, runScript, say } from './lib/main.js';
import { ensureBuild, provision } from './servers/provision.ts';
import { type AvailableLine, findLine, RELEASE_LINES } from './servers/release-lines.ts';
import { recordReport } from './servers/server-results.ts';

/** The suites that depend on the behaviour of servers, for every line. */
const CORE = ['fencing', 'kazoo', 'outages', 'recipes', 'round-trips', 'shared'].map(
  (name) => `test/e2e/${name}.test.ts`,
);
const FAULTS = ['ensemble', 'stale-answers', 'standalone'].map(
  (name) => `test/faults/${name}.test.ts`,
);
/** They use features that older lines lack: 3.4 has no TLS, for example. */
const NEWEST_ONLY = [
  ...['auth', 'status', 'tls'].map((name) => `test/e2e/${name}.test.ts`),
  'test/servers',
];
/** About a minute on each line. */
const SHORT = ['test/e2e/fencing.test.ts', 'test/e2e/kazoo.test.ts', 'test/e2e/shared.test.ts'];

interface Options {
  /** Names of release lines; empty: all. */
  readonly lines: readonly string[];
  readonly isShort: boolean;
  readonly fetchOnly: boolean;
  readonly record: boolean;
  /** Test files, and options of Vitest. */
  readonly others: readonly string[];
}

await runScript(async () => {
  const options = optionsOf(process.argv.slice(2));
  const available = await availableLines(options);
  if (options.fetchOnly) return available.length === 0 ? 1 : 0;
  if (available.length === 0) throw new ProvisionError('no release line of ZooKeeper is available');
  await provision(['zookeeper', 'kazoo', 'openssl', 'faketime']);
  await ensureBuild();
  const failed: string[] = [];
  for (const line of available) {
    say(`== ZooKeeper ${line.version} (${line.home})`);
    if ((await runSuites(line, options)) !== 0) failed.push(line.version);
  }
  const skipped = RELEASE_LINES.length - available.length;
  say(`ZooKeeper: ${available.length} lines tested, ${skipped} not tested`);
  if (failed.length > 0) say(`failed on ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
});

function optionsOf(args: readonly string[]): Options {
  const at = args.indexOf('--lines');
  const lines = at < 0 ? [] : (args[at + 1] ?? '').split(',');
  const known = RELEASE_LINES.map(({ name }) => name);
  if (lines.some((name) => !known.includes(name))) {
    throw new ProvisionError(`--lines expects some of ${known.join(',')}`);
  }
  const own = ['--short', '--fetch', '--record'];
  return {
    lines,
    isShort: args.includes('--short'),
    fetchOnly: args.includes('--fetch'),
    record: args.includes('--record'),
    others: args.filter(
      (arg, index) => !own.includes(arg) && (at < 0 || (index !== at && index !== at + 1)),
    ),
  };
}

async function availableLines({ lines }: Options): Promise<AvailableLine[]> {
  const available: AvailableLine[] = [];
  for (const line of RELEASE_LINES) {
    if (lines.length > 0 && !lines.includes(line.name)) continue;
    const found = await findLine(line);
    if (typeof found === 'string') say(`ZooKeeper ${line.name} is not available: ${found}`);
    else available.push(found);
  }
  return available;
}

/** Resolves with Vitest's exit status. */
async function runSuites(line: AvailableLine, options: Options): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'lockex-servers-'));
  const report = join(directory, 'report.json');
  try {
    const recording = options.record
      ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
      : [];
    const { ZKHOSTS: _, ...env } = process.env;
    const args = [...suitesFor(line, options), ...options.others, ...recording];
    const vitest = spawn('npx', ['--no-install', 'vitest', 'run', ...args], {
      stdio: 'inherit',
      env: { ...env, ZOOKEEPER_HOME: line.home, ZOOKEEPER_LINE: line.name },
    });
    const [status] = await once(vitest, 'exit');
    // Vitest writes none when it is interrupted.
    if (existsSync(report)) recordReport(line.version, report);
    return status ?? 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function suitesFor({ name }: AvailableLine, { isShort, others }: Options): readonly string[] {
  if (others.some((arg) => arg.startsWith('test/'))) return [];
  if (isShort) return SHORT;
  const isNewest = name === RELEASE_LINES.at(-1)?.name;
  return [...CORE, ...FAULTS, ...(isNewest ? NEWEST_ONLY : [])];
}
