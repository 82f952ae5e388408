/** The npm package, installed in an empty directory. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeCacheName } from '../../src/platform/code-cache.ts';
import { userEnvironment } from '../e2e/program.ts';
import { run } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { brokenLinks } from './links.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let directory: string;
let tarball: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lockex-test-'));
  // All other tests use the existing build; packing would build again.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory];
  const output = execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
  tarball = join(directory, JSON.parse(output)[0].filename);
  writeFileSync(join(directory, 'package.json'), '{}');
  const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball];
  execFileSync('npm', install, { cwd: directory, stdio: 'pipe' });
});

afterAll(() => rmSync(directory, { recursive: true }));

const inDirectory = (command: string, ...args: string[]) =>
  run(command, args, { cwd: directory, env: userEnvironment() });

describe('the package', () => {
  it('passes publint and attw', async () => {
    const bin = `${ROOT}node_modules/.bin`;
    const unpacked = `${directory}/node_modules/lockex`;
    expect(
      await inDirectory(`${bin}/publint`, '--strict', '--pack', 'false', unpacked),
    ).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('All good!'),
    });
    expect(await inDirectory(`${bin}/attw`, tarball)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('No problems found'),
    });
  });

  it('has a program that runs, a manual page, and the pages of its README', async () => {
    const { connectString } = await sharedServerWithChroot();
    const args = ['-q', '-z', connectString, '--', 'echo up; exit 3'];
    const ended = await inDirectory('node_modules/.bin/lockex', ...args);
    expect(ended).toMatchObject({ status: 3, stdout: 'up\n', stderr: '' });
    const manifest = JSON.parse(
      readFileSync(`${directory}/node_modules/lockex/package.json`, 'utf8'),
    );
    // npm 10 and 11 link a page only if it is in a list.
    expect(manifest.man).toEqual([expect.stringMatching(/lockex\.1$/)]);
    expect(readFileSync(`${directory}/node_modules/lockex/${manifest.man[0]}`, 'utf8')).toMatch(
      /^\.TH/,
    );
    expect(brokenLinks(`${directory}/node_modules/lockex`)).toEqual([]);
  });

  it('installs no dependency but xstate: the others are in its bundles', () => {
    const installed = readdirSync(`${directory}/node_modules`).filter(
      (name) => !name.startsWith('.'),
    );
    expect(installed.sort()).toEqual(['lockex', 'xstate']);
    expect(readdirSync(`${directory}/node_modules/lockex`)).not.toContain('node_modules');
  });

  it('contains compiled code of the runtime that built it, and no other', () => {
    const files = readdirSync(`${directory}/node_modules/lockex/dist/program`);
    const caches = files.filter((name) => name.endsWith('.cache')).sort();
    expect(caches).toEqual([codeCacheName('lockex'), codeCacheName('reaper')]);
  });

  it('can be imported, and required', async () => {
    const code = "if (typeof createLockex !== 'function') throw createLockex; console.log('fine')";
    writeFileSync(`${directory}/a.mjs`, `import { createLockex } from 'lockex'; ${code}`);
    writeFileSync(`${directory}/a.cjs`, `const { createLockex } = require('lockex'); ${code}`);
    for (const file of ['a.mjs', 'a.cjs']) {
      expect(await inDirectory(process.execPath, file)).toMatchObject({
        status: 0,
        stdout: 'fine\n',
      });
    }
  });

  it('names the licence and the source of every package in the bundle', () => {
    const text = readFileSync(`${directory}/node_modules/lockex/dist/licenses.txt`, 'utf8');
    for (const name of ['xstate', 'node-zookeeper-client', 'cac', 'winston', 'ws']) {
      const entry = new RegExp(
        `\\n${name} [\\d.]+ \\(\\S+\\)\\nsource: .*//.*\\nnpm: ${name}@\\S+ sha512-`,
      );
      expect(text).toMatch(entry);
    }
  });
});
