/**
 * What the scripts need on this machine, and how to get it: npm's packages, the build, and the real
 * programs that tests run against. As root on Debian it installs what is missing; anywhere else it
 * says in one line what to install. It starts no service, and never touches what is there already.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProvisionError } from '../lib/main.js';
import { runQuietly, withProgress } from '../lib/progress.js';
import { curatorClasspath, findZookeeper } from './zookeeper-home.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Part {
  /** True if it is installed. */
  readonly check: () => boolean;
  /** Names of Debian packages. */
  readonly debian: readonly string[];
  /** The name to show on other systems. */
  readonly elsewhere: string;
}

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
} satisfies Record<string, Part>;

/** @throws {ProvisionError} when something is missing that can't be installed from here */
export async function provision(names: (keyof typeof PARTS)[]) {
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

async function installPackages(packages: string[]) {
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

async function aptGet(...args: string[]) {
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
 */
async function withoutServices(work: () => Promise<void>) {
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

/** `npm run build`, when something that the bundle is made of is newer than the bundle. */
export async function ensureBuild() {
  await ensureMade('dist/lockex.js', 'building', 'build/build');
}

/** `npm run build:standalone`, likewise. */
export async function ensureStandalone() {
  const script = 'build/build-standalone';
  await ensureMade('dist/standalone/lockex', 'building the standalone executable', script);
}

/** @param what for the eyes of whoever waits */
async function ensureMade(product: string, what: string, script: string) {
  const sources = ['src', 'machines', 'scripts', 'package.json'].map((name) => join(ROOT, name));
  if (timeOf(join(ROOT, product)) > Math.max(...sources.map(newestIn))) return;
  await withProgress(what, () =>
    runQuietly(process.execPath, [join(ROOT, 'scripts/run.js'), script], { cwd: ROOT }),
  );
}

/**
 * @param path a file's or a directory's
 * @returns as mtimeMs; 0 when there is none
 */
function newestIn(path: string): number {
  if (!existsSync(path)) return 0;
  if (!statSync(path).isDirectory()) return timeOf(path);
  // The directories' own times count too: they tell of files that are gone.
  return Math.max(timeOf(path), ...readdirSync(path).map((name) => newestIn(join(path, name))));
}

function timeOf(path: string) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function isInPath(program: string) {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.some((directory) => directory !== '' && existsSync(join(directory, program)));
}
