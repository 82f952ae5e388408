/**
 * Provides the scripts with the programs that they need on this machine, and with builds that are
 * up to date. As root on Debian it installs missing programs; elsewhere it fails with one line that
 * names them. It starts no service and never changes an installed program.
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
    // Not the package zookeeper: it is a service and depends on a Java with a desktop.
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
    // Tests run a Java program from its source, which needs a compiler.
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
    // Only its programs: systemd does not run here.
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

/** @throws {ProvisionError} if something is missing and can't be installed */
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
      // The lists may be out of date: the archive removes packages that it has replaced.
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
 * Debian's packages start their services as they are installed, unless policy-rc.d says 101:
 * "action forbidden by policy" (invoke-rc.d(8)). A policy of the machine's owner stays in place;
 * one that a killed run of this script left behind is removed.
 */
async function withoutServices(work: () => Promise<void>) {
  if (!existsSync(POLICY)) writeFileSync(POLICY, NO_SERVICES, { mode: 0o755 });
  const removePolicy = () => {
    if (existsSync(POLICY) && readFileSync(POLICY, 'utf8') === NO_SERVICES) rmSync(POLICY);
  };
  const interrupted = () => process.exit(130);
  process.once('exit', removePolicy).once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await work();
  } finally {
    removePolicy();
    process.off('exit', removePolicy).off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

/** `npm run build`, if a source is newer than the bundle. */
export async function ensureBuild() {
  await ensureMade('dist/lockex.js', 'building', 'build/build');
}

/** `npm run build:standalone`, if a source is newer than the executable. */
export async function ensureStandalone() {
  const script = 'build/build-standalone';
  await ensureMade('dist/standalone/lockex', 'building the standalone executable', script);
}

async function ensureMade(product: string, title: string, script: string) {
  const sources = ['src', 'machines', 'scripts', 'package.json'].map((name) => join(ROOT, name));
  if (timeOf(join(ROOT, product)) > Math.max(...sources.map(newestIn))) return;
  await withProgress(title, () =>
    runQuietly(process.execPath, [join(ROOT, 'scripts/run.js'), script], { cwd: ROOT }),
  );
}

/** The latest mtime, in ms, of a file or of everything in a directory; 0 if there is none. */
function newestIn(path: string): number {
  if (!existsSync(path)) return 0;
  if (!statSync(path).isDirectory()) return timeOf(path);
  // The times of directories count as well: they change when a file is removed.
  return Math.max(timeOf(path), ...readdirSync(path).map((name) => newestIn(join(path, name))));
}

function timeOf(path: string) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function isInPath(program: string) {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.some((directory) => directory !== '' && existsSync(join(directory, program)));
}
