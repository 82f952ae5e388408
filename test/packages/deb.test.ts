/** The Debian package, installed by dpkg into a private root directory, run, and purged. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { userEnvironment } from '../e2e/program.ts';
import { run } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { brokenLinks } from './links.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const hasDpkg = spawnSync('dpkg', ['--version']).status === 0;
let root: string;
/** Also builds the standalone executable if it is out of date. */
const BUILD_MS = 600_000;

describe.runIf(hasDpkg)('the Debian package', () => {
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'lockex-test-'));
    for (const directory of ['info', 'updates']) {
      mkdirSync(`${root}/var/lib/dpkg/${directory}`, { recursive: true });
    }
    writeFileSync(`${root}/var/lib/dpkg/status`, '');
    const output = execFileSync('node', ['scripts/run.js', 'build/build-deb'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    // In an empty root there is no libc6.
    dpkg('--force-depends', '-i', join(ROOT, output.split(' ')[0] ?? ''));
  }, BUILD_MS);

  afterAll(() => rmSync(root, { recursive: true }));

  const dpkg = (...args: string[]) =>
    execFileSync('dpkg', [`--root=${root}`, '--force-not-root', ...args], { stdio: 'pipe' });

  it('has a program that acquires a lock without Node', async () => {
    const { connectString } = await sharedServerWithChroot();
    const args = ['-q', '-z', connectString, '--', '/bin/sh', '-c', 'echo up; exit 3'];
    const env = userEnvironment({ PATH: '/usr/bin:/bin' });
    expect(await run(`${root}/usr/bin/lockex`, args, { env })).toMatchObject({
      status: 3,
      stdout: 'up\n',
      stderr: '',
    });
  });

  it('has a manual page, completions, examples, licences, and the pages of its README', () => {
    const share = `${root}/usr/share`;
    const page = gunzipSync(readFileSync(`${share}/man/man1/lockex.1.gz`)).toString();
    expect(page).toContain('.SH OPTIONS');
    for (const file of [
      'bash-completion/completions/lockex',
      'zsh/vendor-completions/_lockex',
      'fish/vendor_completions.d/lockex.fish',
      'doc/lockex/copyright',
      'doc/lockex/licenses.txt.gz',
      'doc/lockex/examples/supervisord.conf',
      'doc/lockex/examples/redis-standby.service',
      'doc/lockex/examples/crontab',
    ]) {
      expect(statSync(`${share}/${file}`).mode & 0o777, file).toBe(0o644);
    }
    expect(brokenLinks(`${share}/doc/lockex`)).toEqual([]);
  });

  it('leaves no file when it is purged', () => {
    dpkg('--purge', 'lockex');
    expect(existsSync(`${root}/usr`)).toBe(false);
    expect(readdirSync(root)).toEqual(['var']);
  });
});
