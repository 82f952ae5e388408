/** `npm run release`, in a small repository whose checks and builds are replaced. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { nextVersion, release } from '../../scripts/lib/release.ts';
import { temporaryDirectory } from '../e2e/program.ts';

const CHANGELOG =
  '# Changelog\n\n## Unreleased\n\n- A change.\n\n## 1.2.3 (2026-01-02)\n\n- Old.\n';
const DATED = CHANGELOG.replace('- A change', '## 1.3.0 (2026-02-03)\n\n- A change');

let root: string;
let commands: string[];
let lines: string[];
/** A command that fails in this test. */
let failing: string;

const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const versionIn = (name: string) => JSON.parse(read(name)).version;

beforeEach(() => {
  root = temporaryDirectory();
  commands = [];
  lines = [];
  failing = '';
  const manifest = { name: 'lockex', version: '1.2.3' };
  writeFileSync(join(root, 'package.json'), JSON.stringify(manifest));
  const lock = { ...manifest, lockfileVersion: 3, packages: { '': manifest } };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify(lock));
  writeFileSync(join(root, 'CHANGELOG.md'), CHANGELOG);
  writeFileSync(join(root, '.gitignore'), 'dist/\nrelease/\n');
  git('init', '--quiet', '--initial-branch=main');
  git('config', 'user.name', 'Test');
  git('config', 'user.email', 'test@localhost');
  git('add', '.');
  git('commit', '--quiet', '--message', 'Begin');
});

/** Executes git and `npm version`; checks and builds only leave their files. */
function run(command: string, ...args: string[]): string {
  const line = [command, ...args].join(' ');
  commands.push(line);
  if (line === failing) throw new Error(`${line} failed`);
  if (command === 'git' || line.startsWith('npm version')) {
    return execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  }
  if (line === 'npm run build:deb') {
    mkdirSync(join(root, 'dist/standalone'), { recursive: true });
    writeFileSync(join(root, 'dist/standalone/lockex'), 'executable');
    writeFileSync(join(root, `dist/lockex_${versionIn('package.json')}_amd64.deb`), 'deb');
    writeFileSync(join(root, 'dist/lockex_0.0.1_amd64.deb'), 'old');
  }
  if (line.startsWith('npm pack')) {
    writeFileSync(join(root, `release/lockex-${versionIn('package.json')}.tgz`), 'package');
  }
  return '';
}

function releaseWith(...args: string[]): void {
  release(args, { root, today: '2026-02-03', run, print: (line) => lines.push(line) });
}

describe('a release', () => {
  it('checks, sets the version, dates the changelog, builds, commits and tags', () => {
    releaseWith('minor');
    expect(commands.filter((line) => !line.startsWith('git '))).toEqual([
      '.ci/run',
      'npm version 1.3.0 --no-git-tag-version --allow-same-version',
      'npm run build:deb',
      'npm pack --pack-destination release',
    ]);
    expect(read('CHANGELOG.md')).toBe(DATED);
    expect(versionIn('package.json')).toBe('1.3.0');
    expect(versionIn('package-lock.json')).toBe('1.3.0');
    expect(git('status', '--porcelain')).toBe('');
    expect(git('log', '-1', '--format=%s')).toBe('Release 1.3.0\n');
    expect(git('tag', '--points-at', 'HEAD')).toBe('v1.3.0\n');
  });

  it('leaves the artefacts of this version and their checksums in release/', () => {
    releaseWith('1.3.0');
    const executable = `lockex-1.3.0-${process.platform}-${process.arch}`;
    const names = [executable, 'lockex-1.3.0.tgz', 'lockex_1.3.0_amd64.deb'];
    expect(readdirSync(join(root, 'release')).sort()).toEqual(['SHA256SUMS', ...names].sort());
    const sums = read('release/SHA256SUMS');
    const sum = createHash('sha256').update('executable').digest('hex');
    expect(sums).toContain(`${sum}  ${executable}\n`);
    expect(sums.trim().split('\n')).toHaveLength(3);
    execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: join(root, 'release') });
  });

  it('changes nothing in a dry run, and lists the steps', () => {
    const before = git('rev-parse', 'HEAD');
    releaseWith('minor', '--dry-run');
    expect(commands.every((line) => /^git (status|tag --list)/.test(line))).toBe(true);
    expect(git('rev-parse', 'HEAD')).toBe(before);
    expect(git('status', '--porcelain') + git('tag')).toBe('');
    expect(lines).toEqual([
      'would check everything (.ci/run)',
      'would set the version to 1.3.0 and date the changelog',
      'would build the artefacts in release/',
      'would commit, and tag v1.3.0',
      'dry run: nothing was changed',
    ]);
  });

  it.each(['.ci/run', 'npm run build:deb', 'npm pack --pack-destination release'])(
    'changes no file and no tag if %s fails',
    (command) => {
      failing = command;
      expect(() => releaseWith('minor')).toThrow(`${command} failed`);
      expect(read('CHANGELOG.md')).toBe(CHANGELOG);
      expect(versionIn('package.json')).toBe('1.2.3');
      expect(git('status', '--porcelain') + git('tag')).toBe('');
    },
  );

  it('does not start if the tree has changes, the tag exists, or the changelog is empty', () => {
    writeFileSync(join(root, 'new'), '');
    expect(() => releaseWith('minor')).toThrow('the working tree has changes');
    git('add', '.');
    git('commit', '--quiet', '--message', 'New');
    git('tag', 'v1.3.0');
    expect(() => releaseWith('minor')).toThrow('the tag v1.3.0 exists');
    writeFileSync(join(root, 'CHANGELOG.md'), CHANGELOG.replace('- A change.\n', ''));
    expect(() => releaseWith('minor')).toThrow('no entry under "## Unreleased"');
    expect(commands.every((line) => line.startsWith('git '))).toBe(true);
  });
});

describe('the version', () => {
  it.each([
    ['patch', '1.2.4'],
    ['minor', '1.3.0'],
    ['major', '2.0.0'],
    ['1.2.3', '1.2.3'],
    ['1.10.0', '1.10.0'],
  ])('after 1.2.3 by %s is %s', (wanted, expected) => {
    expect(nextVersion('1.2.3', wanted)).toBe(expected);
  });

  it.each(['1.2.2', '0.9.9', '1.2', 'v1.3.0', 'next', ''])('can’t be %j after 1.2.3', (wanted) => {
    expect(() => nextVersion('1.2.3', wanted)).toThrow();
  });
});

it('the changelog of this project has one heading for the next release', () => {
  const text = readFileSync(new URL('../../CHANGELOG.md', import.meta.url), 'utf8');
  expect(text.split('\n## Unreleased\n')).toHaveLength(2);
});
