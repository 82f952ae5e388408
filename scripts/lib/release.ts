/**
 * The steps of a release: checks, version and changelog, artefacts with checksums, commit and tag.
 * Never publishes or pushes anything. It runs commands only through the given function, so that a
 * test can replace the slow ones.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { ProvisionError } from './main.js';

export const USAGE = 'usage: npm run release -- patch|minor|major|X.Y.Z [--dry-run]';
const UNRELEASED = '## Unreleased\n';
const CHANGED_FILES = ['CHANGELOG.md', 'package.json', 'package-lock.json'];
const DIRECTORY = 'release';

export interface ReleaseTools {
  /** The project's directory. */
  readonly root: string;
  /** YYYY-MM-DD */
  readonly today: string;
  /** Runs a command in `root`; returns its standard output. @throws if it fails */
  readonly run: (command: string, ...args: string[]) => string;
  readonly print: (line: string) => void;
}

/** @throws {ProvisionError} if the release can't start; nothing has been changed then */
export function release(args: readonly string[], tools: ReleaseTools): void {
  const { root, today, run, print } = tools;
  const isDryRun = args.includes('--dry-run');
  const [wanted, ...others] = args.filter((arg) => arg !== '--dry-run');
  if (wanted === undefined || others.length > 0) throw new ProvisionError(USAGE);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const version = nextVersion(manifest.version, wanted);
  const changelog = releasedChangelog(
    readFileSync(join(root, 'CHANGELOG.md'), 'utf8'),
    version,
    today,
  );
  const tag = `v${version}`;
  if (run('git', 'status', '--porcelain') !== '') {
    throw new ProvisionError('the working tree has changes: commit or remove them first');
  }
  if (run('git', 'tag', '--list', tag) !== '') {
    throw new ProvisionError(`the tag ${tag} exists already`);
  }
  const steps: readonly (readonly [title: string, work: () => void])[] = [
    ['check everything (.ci/run)', () => run('.ci/run')],
    [
      `set the version to ${version} and date the changelog`,
      () => {
        run('npm', 'version', version, '--no-git-tag-version', '--allow-same-version');
        writeFileSync(join(root, 'CHANGELOG.md'), changelog);
      },
    ],
    [`build the artefacts in ${DIRECTORY}/`, () => buildArtefacts(tools, version)],
    [
      `commit, and tag ${tag}`,
      () => {
        run('git', 'add', ...CHANGED_FILES);
        // A first release may have no changed version, but it always has a dated changelog.
        run('git', 'commit', '--quiet', '--message', `Release ${version}`);
        run('git', 'tag', '--annotate', tag, '--message', `lockex ${version}`);
      },
    ],
  ];
  for (const [title, work] of steps) {
    print(isDryRun ? `would ${title}` : `== ${title}`);
    if (!isDryRun) restoringOnFailure(run, work);
  }
  print(isDryRun ? 'dry run: nothing was changed' : published(version));
}

/**
 * @param wanted patch, minor, major, or a version that is not lower than the current one
 * @throws {ProvisionError} for anything else
 */
export function nextVersion(current: string, wanted: string): string {
  const numbers = numbersOf(current);
  const [major = 0, minor = 0, patch = 0] = numbers ?? [];
  if (wanted === 'major') return `${major + 1}.0.0`;
  if (wanted === 'minor') return `${major}.${minor + 1}.0`;
  if (wanted === 'patch') return `${major}.${minor}.${patch + 1}`;
  const next = numbersOf(wanted);
  if (next === null) throw new ProvisionError(USAGE);
  const difference = next.map((number, index) => number - (numbers?.[index] ?? 0)).find(Boolean);
  if ((difference ?? 0) < 0) throw new ProvisionError(`${wanted} is lower than ${current}`);
  return wanted;
}

/** @throws {ProvisionError} if there is nothing to release */
export function releasedChangelog(text: string, version: string, today: string): string {
  const [before, after, ...others] = text.split(UNRELEASED);
  const [entries = ''] = after?.split('\n## ') ?? [];
  if (after === undefined || others.length > 0 || !entries.includes('\n- ')) {
    throw new ProvisionError('CHANGELOG.md has no entry under "## Unreleased"');
  }
  return `${before}${UNRELEASED}\n## ${version} (${today})\n${after}`;
}

function numbersOf(version: string): number[] | null {
  return /^\d+\.\d+\.\d+$/.test(version) ? version.split('.').map(Number) : null;
}

/** The files go back to their committed state; commits and tags are the last step. */
function restoringOnFailure(run: ReleaseTools['run'], work: () => void): void {
  try {
    work();
  } catch (error) {
    run('git', 'checkout', '--quiet', 'HEAD', '--', ...CHANGED_FILES);
    throw error;
  }
}

/** The npm package, the standalone executable, the Debian package, and SHA256SUMS of all three. */
function buildArtefacts({ root, run, print }: ReleaseTools, version: string): void {
  const directory = join(root, DIRECTORY);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  // Builds the standalone executable as well.
  run('npm', 'run', 'build:deb');
  for (const name of readdirSync(join(root, 'dist'))) {
    if (!name.startsWith(`lockex_${version}_`) || !name.endsWith('.deb')) continue;
    copyFileSync(join(root, 'dist', name), join(directory, name));
  }
  const platform = `${process.platform}-${process.arch}`;
  copyFileSync(
    join(root, 'dist/standalone/lockex'),
    join(directory, `lockex-${version}-${platform}`),
  );
  run('npm', 'pack', '--pack-destination', DIRECTORY);
  const names = readdirSync(directory).sort();
  const missing = ['.deb', platform, '.tgz'].filter((end) => !names.some((n) => n.endsWith(end)));
  if (missing.length > 0) throw new Error(`the build made no ${missing.join(', no ')}`);
  const sums = names.map((name) => `${sha256(join(directory, name))}  ${name}\n`);
  writeFileSync(join(directory, 'SHA256SUMS'), sums.join(''));
  for (const name of [...names, 'SHA256SUMS']) print(`${DIRECTORY}/${name}`);
}

function sha256(file: string): string {
  if (!existsSync(file)) throw new Error(`${basename(file)} is missing`);
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function published(version: string): string {
  return [
    'nothing was published. To publish:',
    '  git push --follow-tags',
    `  npm publish ${DIRECTORY}/lockex-${version}.tgz`,
  ].join('\n');
}
