/**
 * `npm run build:deb`: dist/lockex_VERSION_ARCH.deb, with the standalone executable, the manual
 * page, completions, and examples to copy. Built with dpkg-deb alone; the package has no maintainer
 * scripts and no configuration files.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { ProvisionError, runScript } from '../lib/main.js';
import { ensureBuild, ensureStandalone } from '../servers/provision.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const { version, description, license } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
/** Debian's names of architectures. */
const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

await runScript(async () => {
  if (spawnSync('dpkg-deb', ['--version']).status !== 0) {
    throw new ProvisionError('install dpkg (its dpkg-deb builds the package)');
  }
  await ensureBuild();
  await ensureStandalone();
  const tree = mkdtempSync(join(tmpdir(), 'lockex-deb-'));
  try {
    // mkdtemp creates it with mode 0700, and dpkg applies the mode to / of the target.
    chmodSync(tree, 0o755);
    const architecture = ARCHITECTURES[process.arch] ?? process.arch;
    fill(tree, architecture);
    const name = `dist/lockex_${version}_${architecture}.deb`;
    const args = ['--root-owner-group', '-Zgzip', '-z6', '--build', tree, `${root}/${name}`];
    const { status, stderr } = spawnSync('dpkg-deb', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    const megabytes = Math.round(statSync(`${root}/${name}`).size / 1024 / 1024);
    process.stdout.write(`${name}  ${megabytes} MB\n`);
    return 0;
  } finally {
    rmSync(tree, { recursive: true });
  }
});

function fill(tree: string, architecture: string) {
  const place = (path: string) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    return join(tree, path);
  };
  const put = (path: string, content: string | Buffer) =>
    writeFileSync(place(path), content, { mode: 0o644 });
  const share = `${root}/dist/share`;
  copyFileSync(`${root}/dist/standalone/lockex`, place('usr/bin/lockex'));
  chmodSync(place('usr/bin/lockex'), 0o755);
  put('usr/share/man/man1/lockex.1.gz', packed(readFileSync(`${share}/lockex.1`)));
  for (const [from, to] of [
    ['lockex.bash', 'bash-completion/completions/lockex'],
    ['_lockex', 'zsh/vendor-completions/_lockex'],
    ['lockex.fish', 'fish/vendor_completions.d/lockex.fish'],
  ]) {
    put(`usr/share/${to}`, readFileSync(`${share}/completions/${from}`));
  }
  const doc = 'usr/share/doc/lockex';
  put(`${doc}/copyright`, copyright());
  put(`${doc}/licenses.txt.gz`, packed(readFileSync(`${root}/dist/standalone/licenses.txt`)));
  // All pages are in one directory there.
  const readme = readFileSync(`${root}/README.md`, 'utf8');
  put(`${doc}/README.md`, readme.replaceAll('](docs/', '](').replace('](COPYING)', '](copyright)'));
  for (const name of filesIn(`${root}/docs`)) {
    const content = readFileSync(`${root}/docs/${name}`);
    const isPage = name.endsWith('.md');
    put(
      `${doc}/${name}`,
      isPage ? `${content}`.replaceAll('](../machines/', '](machines/') : content,
    );
  }
  for (const name of filesIn(`${root}/machines`)) {
    put(`${doc}/machines/${name}`, readFileSync(`${root}/machines/${name}`));
  }
  put('DEBIAN/control', control(tree, architecture));
}

function control(tree: string, architecture: string) {
  const kilobytes = Math.ceil(sizeOf(join(tree, 'usr')) / 1024);
  return `Package: lockex
Version: ${version}
Architecture: ${architecture}
Maintainer: the lockex authors <lockex@localhost.localdomain>
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.31)
Suggests: supervisor, systemd
Section: admin
Priority: optional
Description: run a command while holding a lock in ZooKeeper
${wrapped(description)}.
`;
}

/** Wraps a description as Debian requires: each line begins with a space. */
function wrapped(text: string) {
  return text.replace(/(.{1,75})(?: |$)/g, ' $1\n').trimEnd();
}

function copyright() {
  return `lockex is distributed under the licence ${license}:

${readFileSync(`${root}/COPYING`, 'utf8')}
The executable holds packages with licences of their own, each with its text in licenses.txt.gz, and
Bun (https://bun.com), which is under the MIT licence and holds JavaScriptCore, under the LGPL-2.1.
`;
}

/** Reproducible: the same content gives the same bytes. */
function packed(content: string | Buffer) {
  return gzipSync(content, { level: 9 });
}

/** @returns all files below it, as relative paths */
function filesIn(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true }) as string[];
  return names.filter((name) => statSync(join(directory, name)).isFile());
}

/** @returns bytes */
function sizeOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
