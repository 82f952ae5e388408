/**
 * The package, built by one Node and installed globally, on other Nodes: as after an upgrade of a
 * host's Node, or on a host with another Node than the build's.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory, userEnvironment } from '../e2e/program.ts';
import { hasNodeVersions, installNodeVersions } from '../support/node-versions.ts';
import { gone, run, startProgram } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const REQUIRED: string = manifest.engines.node.replace('>=', '');

/** The tests that use Node's own modules most; half a minute. */
const SOME_TESTS = [
  ...['test/src/cli', 'test/src/actors', 'test/src/inspector', 'test/src/status'],
  ...['test/src/zookeeper/contender', 'test/src/zookeeper/lease', 'test/src/zookeeper/recipes'],
  ...['test/src/zookeeper/session', 'test/src/command/gate', 'test/e2e/statuses'],
  'test/e2e/recipes',
];
const ALL_UNIT_TESTS = ['test/src', 'test/e2e/statuses', 'test/e2e/recipes'];

const SUPPORTED = [
  { name: 'lower bound', version: REQUIRED, tests: ALL_UNIT_TESTS },
  { name: '20.19.5', version: '20.19.5', tests: SOME_TESTS },
  { name: 'newest 22', version: '22', tests: SOME_TESTS },
  { name: 'newest 24', version: '24', tests: SOME_TESTS },
  { name: 'newest release', version: 'latest', tests: SOME_TESTS },
];
/**
 * Without destructuring, `import()` and more; the oldest that knows what the launcher is written
 * in.
 */
const ANCIENT = { name: 'ancient', version: '4.9.1' };

const INSTALL_MS = 15 * 60_000;
const NESTED_MS = 15 * 60_000;

let directory: string;
let lockex: string;
let paths: Record<string, string>;

beforeAll(() => {
  if (!hasNodeVersions) return;
  const versions = [...SUPPORTED, ANCIENT].map(({ name, version }) => [name, version] as const);
  paths = installNodeVersions(Object.fromEntries(versions));
  directory = mkdtempSync(join(tmpdir(), 'lockex-test-'));
  // All other tests use the existing build; packing would build again.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory];
  const packed = execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
  const tarball = join(directory, JSON.parse(packed)[0].filename);
  const install = ['install', '--global', '--prefix', directory, '--no-audit', '--no-fund'];
  execFileSync('npm', [...install, '--prefer-offline', tarball], { stdio: 'pipe' });
  lockex = join(directory, 'bin/lockex');
}, INSTALL_MS);

afterAll(() => {
  if (directory !== undefined) rmSync(directory, { recursive: true });
});

/** The environment of a user whose `node` is this one. */
function envOf(name: string): NodeJS.ProcessEnv {
  return userEnvironment({ PATH: [paths[name], process.env['PATH']].join(delimiter) });
}

const lockexOn = (name: string, ...args: string[]) => run(lockex, args, { env: envOf(name) });

describe.runIf(hasNodeVersions).each(SUPPORTED)('on Node $name', ({ name, version, tests }) => {
  it('runs on that Node, and prints its own version', async () => {
    const { stdout } = await run('node', ['--version'], { env: envOf(name) });
    if (version !== 'latest') expect(`${stdout.trim()}.`).toContain(`v${version}.`);
    expect(await lockexOn(name, '--version')).toEqual({
      status: 0,
      signal: null,
      stdout: `${manifest.version}\n`,
      stderr: '',
    });
  });

  it('exits with the status of the command', async () => {
    const { connectString } = await sharedServerWithChroot();
    const args = ['-q', '-z', connectString, '--', 'echo up; exit 4'];
    const expected = { status: 4, stdout: 'up\n', stderr: '' };
    expect(await lockexOn(name, ...args)).toMatchObject(expected);
  });

  it('has its session closed by the reaper when it is SIGKILLed', async () => {
    const { connectString } = await sharedServerWithChroot();
    const args = ['-z', connectString, '-T', '60', '-i', 'k', '--', 'echo $$; exec sleep 600'];
    const holder = startProgram(lockex, args, { env: envOf(name) });
    const pid = Number(await holder.line(/^\d+$/));
    holder.signal('SIGKILL');
    await gone(pid);
    // The session timeout is 60 s: the lock is free sooner only if the session was closed.
    const heir = ['-q', '-z', connectString, '-T', '60', '-t', '40', '-i', 'k', '--', 'exit 4'];
    expect(await lockexOn(name, ...heir)).toMatchObject({ status: 4, stderr: '' });
  });

  it(
    'passes unit tests and end-to-end tests',
    async () => {
      const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
      const ended = await run('node', [vitest, 'run', '--silent=true', ...tests], {
        cwd: ROOT,
        env: {
          ...withoutVitest(envOf(name)),
          LOCKEX_PROGRAM: join(directory, 'lib/node_modules/lockex/dist/lockex.js'),
        },
        maxLifeMs: NESTED_MS,
      });
      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
      expect(ended.stdout).toMatch(/Tests .*passed/);
    },
    NESTED_MS + 60_000,
  );
});

describe('a Node that is too old', () => {
  const problem = (version: string) => ({
    status: 125,
    stdout: '',
    stderr: `lockex requires Node ≥ ${REQUIRED}; this is ${version}\n`,
  });

  it.runIf(hasNodeVersions)('gets one line, even if it can’t parse lockex', async () => {
    expect(await lockexOn(ANCIENT.name, '--version')).toMatchObject(problem(ANCIENT.version));
  });

  it.each(['18.20.8', '20.18.3', '20.9.0'])(
    '%s gets one line from npm start and npm test, before anything else',
    async (version) => {
      for (const script of ['start', 'test']) {
        const [program = '', ...args] = manifest.scripts[script].split(' ');
        const ended = await run(program, ['-r', posing(version), ...args, 'no-such-test'], {
          cwd: ROOT,
          env: userEnvironment(),
        });
        expect(ended).toMatchObject(problem(version));
      }
    },
  );

  it.each(['20.19.0', '20.100.0', '21.0.0', '100.1.2'])('%s is new enough', async (version) => {
    const program = join(ROOT, 'dist/lockex.js');
    const args = ['-r', posing(version), program, '--version'];
    const ended = await run(process.execPath, args, { env: userEnvironment() });
    expect(ended).toMatchObject({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });
});

/** A module that makes Node pretend to be of this version. For use within a test. */
function posing(version: string): string {
  const file = join(temporaryDirectory(), 'posing.cjs');
  writeFileSync(file, `Object.defineProperty(process, 'version', { value: 'v${version}' });`);
  return file;
}

/** Without the variables that Vitest sets for its workers, for another Vitest. */
function withoutVitest(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ofVitest = (name: string) =>
    /^VITEST|^(NODE_ENV|NODE_OPTIONS|TEST|DEV|PROD|MODE|SSR)$/.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ofVitest(name)));
}
