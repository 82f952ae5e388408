/** The configuration file in real runs. */
import { chmodSync, chownSync, existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { runLockex, temporaryDirectory } from './program.ts';

it('sets the servers of runs and of status', async () => {
  const { connectString } = await sharedServerWithChroot();
  const file = `${temporaryDirectory()}/lockex.json`;
  writeFileSync(file, JSON.stringify({ zkhosts: connectString, 'log-level': 'warn' }));
  const env = { LOCKEX_CONFIG: file };
  expect(await runLockex(['-i', 'x', '--', 'exit 7'], { env })).toMatchObject({
    status: 7,
    stderr: '',
  });
  const { status, stdout } = await runLockex(['status', '--config', file, 'x']);
  expect({ status, stdout }).toEqual({ status: 1, stdout: 'x: free\n' });
  expect((await runLockex(['config'], { env })).stdout).toContain(`${connectString}  (${file})`);
});

it('is refused in one line if missing, not JSON, not a file or too large', async () => {
  const directory = temporaryDirectory();
  writeFileSync(`${directory}/broken`, '{');
  const refused = async (file: string) => {
    const { status, stderr } = await runLockex(['--config', file, '--', 'true']);
    expect(status).toBe(2);
    return stderr;
  };
  expect(await refused(`${directory}/none`)).toBe(`lockex: no such file: '${directory}/none'\n`);
  expect(await refused(`${directory}/broken`)).toBe(
    `lockex: ${directory}/broken is not valid JSON\n`,
  );
  expect(await refused(directory)).toBe(`lockex: ${directory} is not a regular file\n`);
  expect(await refused('/dev/zero')).toBe('lockex: /dev/zero is not a regular file\n');
  truncateSync(`${directory}/broken`, 2_000_000);
  expect(await refused(`${directory}/broken`)).toBe(
    `lockex: ${directory}/broken is too large: the limit is 1048576 bytes\n`,
  );
  expect(await refused('')).toBe('lockex: --config expects a file\n');
  // These do not read the file.
  const env = { LOCKEX_CONFIG: `${directory}/none` };
  for (const option of ['--version', '--help']) {
    expect((await runLockex([option], { env })).status).toBe(0);
  }
});

it.runIf(process.getuid?.() === 0)('of another user is refused, in any directory', async () => {
  const { connectString } = await sharedServerWithChroot();
  const directory = temporaryDirectory();
  const file = `${directory}/lockex.json`;
  const hooked = `${directory}/hooked`;
  writeFileSync(file, JSON.stringify({ zkhosts: connectString, 'on-state': `touch ${hooked}` }));
  const run = async (args: readonly string[], env = {}) => await runLockex(args, { env });
  const refused = { status: 2, stdout: '' };
  for (const spoil of [() => chmodSync(file, 0o666), () => chownSync(file, 12_345, 12_345)]) {
    spoil();
    expect(await run(['--config', file, '--', 'echo up'])).toMatchObject(refused);
    expect(await run(['--', 'echo up'], { LOCKEX_CONFIG: file })).toMatchObject(refused);
    expect(await run(['status', '--config', file])).toMatchObject(refused);
    expect(await run(['config', '--config', file])).toMatchObject(refused);
  }
  const { stderr } = await run(['--config', file, '--', 'true']);
  expect(stderr).toMatch(/^lockex: \S+ belongs to uid 12345: it must belong to root or .*\n$/);
  expect(existsSync(hooked)).toBe(false);
  chownSync(file, 0, 0);
  chmodSync(file, 0o644);
  expect(await run(['--config', file, '--', 'echo up'])).toMatchObject({
    status: 0,
    stdout: 'up\n',
  });
  expect(existsSync(hooked)).toBe(true);
});

it('is not searched for in the working directory', async () => {
  const { connectString } = await sharedServerWithChroot();
  const directory = temporaryDirectory();
  const stranger = `${directory}/node_modules/bufferutil`;
  mkdirSync(stranger, { recursive: true });
  const files = {
    'lockex.json': '{',
    'package.json': '{',
    'tsconfig.json': '{',
    '.env': 'STRANGE=1\n',
    'bunfig.toml': 'preload = ["./strange.js"]\n',
    'strange.js': 'console.log("STRANGE"); console.error("STRANGE");',
    'node_modules/bufferutil/index.js': 'console.error("STRANGE");',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(`${directory}/${name}`, text);
  const args = ['-z', connectString, '-q', '--inspect=0', '--', 'env', '-u', 'PWD'];
  const { status, stdout, stderr } = await runLockex(args, { cwd: directory });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('LOCKEX_LOCKID=');
  expect(stdout).not.toContain('STRANGE');
});
