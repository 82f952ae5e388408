/** lockex as a library: its examples and types. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { run } from '../support/processes.ts';
import { sharedServer } from '../support/zookeeper.ts';
import { temporaryDirectory } from './program.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it('the example runs a command under a lock with the real actors', async () => {
  const example = `${ROOT}docs/examples/library.js`;
  const args = [sharedServer().connectString, 'library', 'sh', '-c', 'echo hi; exit 7'];
  const { status, stdout, stderr } = await run(process.execPath, [example, ...args]);
  expect({ status, stdout }).toEqual({ status: 7, stdout: 'hi\n' });
  expect(stderr).toMatch(/^connecting\nwaiting\nlocked.*\n(.*\n)*running, fencing token \d+\n/);
});

it('the example provides its own actors to the machine', async () => {
  const { status, stdout } = await run(process.execPath, [`${ROOT}docs/examples/own-actors.js`]);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout:
      'connecting → waiting → locked.confirming → locked.arming → running → lost.stopping → ' +
      'cleanup.closing → done\nexit status 124\n',
  });
});

it('has types that reject wrong uses', async () => {
  const directory = temporaryDirectory();
  mkdirSync(`${directory}/node_modules`);
  // Only with the packages that lockex installs, without Node's types.
  symlinkSync(`${ROOT}node_modules/xstate`, `${directory}/node_modules/xstate`);
  symlinkSync(ROOT, `${directory}/node_modules/lockex`);
  writeFileSync(`${directory}/package.json`, '{ "type": "module" }');
  const use = (lockId: string) => `
    import { createLockex, type LockexEvent, lockexMachine, stateName } from 'lockex';
    const { actor, output } = createLockex({
      lock: { id: ${lockId} },
      command: { line: { kind: 'shell', line: 'true' } },
    });
    actor.subscribe(({ value, context }) => stateName(value) + context.grant?.fencingToken);
    export const status: number = (await output).exitCode;
    export const event: LockexEvent = { type: 'lock.granted' };
    export const id: string = lockexMachine.id;
  `;
  writeFileSync(`${directory}/right.ts`, use("'x'"));
  writeFileSync(`${directory}/wrong.ts`, use('7'));
  const check = (file: string) =>
    run(
      `${ROOT}node_modules/.bin/tsc`,
      ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', file],
      { cwd: directory },
    );
  expect(await check('right.ts')).toMatchObject({ status: 0, stdout: '' });
  const { status, stdout } = await check('wrong.ts');
  expect(status).not.toBe(0);
  expect(stdout).toContain("Type 'number' is not assignable to type 'string'");
});
