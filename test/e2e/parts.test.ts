/** Optional parts are loaded only if they are used. */
import { cpSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { codeCacheName } from '../../src/platform/code-cache.ts';
import { run } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { PROGRAM, temporaryDirectory, userEnvironment } from './program.ts';

const NEEDED = ['lockex.js', 'reaper.js', codeCacheName('lockex'), codeCacheName('reaper')];

/** The standalone executable is one file. */
const isForNode = PROGRAM.endsWith('.js');

it.runIf(isForNode)('a run loads neither the inspector nor status', async () => {
  const { connectString } = await sharedServerWithChroot();
  const copy = `${temporaryDirectory()}/dist`;
  for (const name of ['lockex.js', 'package.json', 'program']) {
    cpSync(`${dirname(PROGRAM)}/${name}`, `${copy}/${name}`, { recursive: true });
  }
  const parts = readdirSync(`${copy}/program`).filter((name) => !NEEDED.includes(name));
  expect(parts.sort()).toEqual(['inspector.html', 'inspector.js', 'status.js']);
  for (const part of parts) rmSync(`${copy}/program/${part}`);
  const args = ['-z', connectString, '-q', '--', 'exit 7'];
  const lockex = (more: string[]) =>
    run(`${copy}/lockex.js`, [...more, ...args], { env: userEnvironment() });
  expect(await lockex([])).toMatchObject({ status: 7, stderr: '' });
  const { status, stderr } = await lockex(['--inspect']);
  expect(status).toBe(125);
  expect(stderr).toContain('inspector.js');
});

it.runIf(isForNode)('the program stays small', () => {
  // Bytes of what every start reads; raise it knowingly.
  expect(statSync(`${dirname(PROGRAM)}/program/lockex.js`).size).toBeLessThan(525_000);
});
