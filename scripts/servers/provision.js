/**
 * What the scripts need on this machine, and how to get it: npm's packages, the build, and the real
 * programs that tests run against. As root on Debian it installs what is missing; anywhere else it
 * says in one line what to install. It starts no service, and never touches what is there already.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runQuietly, withProgress } from '../lib/progress.js';
import { curatorClasspath, findZookeeper } from './zookeeper-home.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * @typedef {{ check: () => boolean, debian: string[], elsewhere: string }} Part
 *   `debian`: packages; `elsewhere`: what to say to people of other systems.
 */

/** @satisfies {Record<string, Part>} */
const PARTS = {
  zookeeper: {
    check: () => findZookeeper() !== undefined,
    // Not the package zookeeper itself: that is a service, and wants a Java with a desktop.
    debian: ['default-jre-headless', 'libzookeeper-java', 'libslf4j-java', 'liblog4j1.2-java'],
    elsewhere: 'Java and ZooKeeper (macOS: brew install zookeeper; or set ZOOKEEPER_HOME)',
  },
  kazoo: {
    check: () => {
      const python = process.env['KAZOO_PYTHON'] ?? '/usr/bin/python3';
      return spawnSync(python, ['-c', 'import kazoo'], { stdio: 'ignore' }).status === 0;
    },
    debian: ['python3-kazoo'],
    elsewhere: "kazoo (pip install kazoo; set KAZOO_PYTHON to that Python's path)",
  },
  curator: {
    // Its partner in tests is run from its source, which takes a compiler.
    check: () => curatorClasspath() !== undefined && isInPath('javac'),
    debian: ['libcurator-recipes-java', 'default-jdk-headless'],
    elsewhere: 'Curator (its jars in /usr/share/java) and a JDK',
  },
  redis: {
    check: () => isInPath('redis-server'),
    debian: ['redis-server'],
    elsewhere: 'redis (macOS: brew install redis)',
  },
  supervisor: {
    check: () => isInPath('supervisord'),
    debian: ['supervisor'],
    elsewhere: 'supervisor (pip install supervisor)',
  },
  systemd: {
    // Its programs only: nothing here is run by a systemd.
    check: () => isInPath('systemd-notify'),
    debian: ['systemd'],
    elsewhere: 'systemd (Linux only)',
  },
  faketime: {
    check: () => isInPath('faketime'),
    debian: ['faketime'],
    elsewhere: 'libfaketime',
  },
  openssl: {
    check: () => isInPath('openssl'),
    debian: ['openssl'],
    elsewhere: 'openssl',
  },
  chromium: {
    check: () => isInPath('chromium'),
    debian: ['chromium'],
    elsewhere: 'chromium',
  },
  sudo: {
    check: () => isInPath('sudo'),
    debian: ['sudo'],
    elsewhere: 'sudo',
  },
  shells: {
    check: () => ['zsh', 'fish', 'busybox'].every(isInPath),
    debian: ['zsh', 'fish', 'busybox'],
    elsewhere: 'zsh, fish and busybox',
  },
  shellcheck: {
    check: () => isInPath('shellcheck'),
    debian: ['shellcheck'],
    elsewhere: 'shellcheck (macOS: brew install shellcheck)',
  },
  man: {
    check: () => isInPath('mandoc'),
    debian: ['mandoc'],
    elsewhere: 'mandoc',
  },
};

/** Its message is one line for whoever ran the script, without a stack. */
export class ProvisionError extends Error {
  /** @override */
  name = 'ProvisionError';
}

/**
 * @param {(keyof typeof PARTS)[]} names
 * @throws {ProvisionError} when something is missing that can't be installed from here
 */
export async function provision(names) {
  const missing = names.filter((name) => !PARTS[name].check());
  if (missing.length === 0) return;
  const packages = missing.flatMap((name) => PARTS[name].debian);
  if (!isInPath('apt-get')) {
    throw new ProvisionError(`install ${missing.map((name) => PARTS[name].elsewhere).join(', ')}`);
  }
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  if (process.getuid?.() !== 0) throw new ProvisionError(`run as root: ${command}`);
  await withProgress(`installing ${missing.join(', ')}`, () => installPackages(packages));
  const failed = missing.filter((name) => !PARTS[name].check());
  if (failed.length > 0) {
    throw new ProvisionError(`${failed.join(', ')}: not found after ${command}`);
  }
}

/** @param {string[]} packages */
async function installPackages(packages) {
  const install = () => aptGet('install', '--no-install-recommends', ...packages);
  await withoutServices(async () => {
    if (!hasPackageLists()) await aptGet('update');
    try {
      await install();
    } catch {
      // The lists may be older than the archive, which keeps no package that it has replaced.
      await aptGet('update');
      await install();
    }
  });
}

/** @param {string[]} args */
async function aptGet(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await runQuietly('apt-get', ['-y', '-q', '-o', 'DPkg::Lock::Timeout=120', ...args], { env });
}

function hasPackageLists() {
  const lists = '/var/lib/apt/lists';
  return existsSync(lists) && readdirSync(lists).some((name) => /_Packages(\.\w+)?$/.test(name));
}

const POLICY = '/usr/sbin/policy-rc.d';
const NO_SERVICES = '#!/bin/sh\n# Written by lockex while it installs packages.\nexit 101\n';

/**
 * Debian's packages start their services as they are installed, unless policy-rc.d says 101: "action
 * forbidden by policy" (invoke-rc.d(8)). A policy that is there already is the owner's word, and
 * stays; one of ours that a killed run has left behind goes this time.
 *
 * @param {() => Promise<void>} work
 */
async function withoutServices(work) {
  if (!existsSync(POLICY)) writeFileSync(POLICY, NO_SERVICES, { mode: 0o755 });
  const removeOurs = () => {
    if (existsSync(POLICY) && readFileSync(POLICY, 'utf8') === NO_SERVICES) rmSync(POLICY);
  };
  const interrupted = () => process.exit(130);
  process.once('exit', removeOurs).once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await work();
  } finally {
    removeOurs();
    process.off('exit', removeOurs).off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

/** `npm ci`, when node_modules is missing or older than package-lock.json. */
export async function ensureDependencies() {
  const installed = timeOf(join(ROOT, 'node_modules/.package-lock.json'));
  if (installed >= timeOf(join(ROOT, 'package-lock.json')) && installed > 0) return;
  try {
    await withProgress('installing npm packages', () =>
      runQuietly('npm', ['ci', '--no-audit', '--no-fund'], { cwd: ROOT }),
    );
  } catch (error) {
    throw new ProvisionError(
      `npm ci failed (${firstProblem(error)}); run it to see all of its output`,
    );
  }
}

/** npm's first line with a reason, of several that begin with `npm error`. @param {unknown} error */
function firstProblem(error) {
  const [summary = '', ...lines] = (error instanceof Error ? error.message : `${error}`).split(
    '\n',
  );
  const reasons = lines.map(
    (line) => /^npm (?:error|ERR!) (?!code |errno |syscall )(.*\S)/.exec(line)?.[1],
  );
  return reasons.find((reason) => reason !== undefined) ?? summary.replace(/:$/, '');
}

/** `npm run build`, when something that the bundle is made of is newer than the bundle. */
export async function ensureBuild() {
  await ensureMade('dist/lockex.js', 'building', 'scripts/build/build.js');
}

/** `npm run build:standalone`, likewise. */
export async function ensureStandalone() {
  const script = 'scripts/build/build-standalone.js';
  await ensureMade('dist/standalone/lockex', 'building the standalone executable', script);
}

/**
 * @param {string} product
 * @param {string} what for the eyes of whoever waits
 * @param {string} script
 */
async function ensureMade(product, what, script) {
  const sources = ['src', 'machines', 'scripts', 'package.json'].map((name) => join(ROOT, name));
  if (timeOf(join(ROOT, product)) > Math.max(...sources.map(newestIn))) return;
  await withProgress(what, () => runQuietly(process.execPath, [join(ROOT, script)], { cwd: ROOT }));
}

/** @param {string} path a file's or a directory's @returns {number} as mtimeMs; 0 when there is none */
function newestIn(path) {
  if (!existsSync(path)) return 0;
  if (!statSync(path).isDirectory()) return timeOf(path);
  // The directories' own times count too: they tell of files that are gone.
  return Math.max(timeOf(path), ...readdirSync(path).map((name) => newestIn(join(path, name))));
}

/** @param {string} path */
function timeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** @param {string} program */
function isInPath(program) {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.some((directory) => directory !== '' && existsSync(join(directory, program)));
}
