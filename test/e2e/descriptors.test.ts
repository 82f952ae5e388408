/**
 * No descriptor is left to lockex: what the command has left behind is still seen. The fault is
 * made by a limit that is lowered while lockex runs, as any shortage would.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isAlive, startProgram } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { contentOf, logOf, PROGRAM, temporaryDirectory, userEnvironment } from './program.ts';

it('without free descriptors the lock is kept until all processes of the command have exited', async () => {
  const { connectString } = await sharedServerWithChroot();
  const directory = temporaryDirectory();
  const [left, go] = [join(directory, 'left'), join(directory, 'go')];
  execFileSync('mkfifo', [go]);
  const line = `setsid sh -c 'trap "" TERM; echo $$ >${left}; sleep 100; sleep 100' & read go <${go}`;
  const args = ['--log-format', 'json', '-z', connectString, '-T', '20', '--kill-after', '2'];
  const lockex = startProgram(PROGRAM, [...args, '--', line], { env: userEnvironment() });
  await until(() => contentOf(left).endsWith('\n'), 'the process that is left');
  const pid = Number(contentOf(left));
  await lockex.line(/"commandPid"/, 'stderr');
  leaveNoDescriptorTo(lockex.pid ?? 0);
  execFileSync('sh', ['-c', `echo go >${go}`]);
  const { stderr } = await lockex.ended;
  expect(await isAlive(pid)).toBe(false);
  // Seen and stopped by lockex, not by what outlives it.
  const stopped = `processes that outlived it had to be stopped.*sh\\[${pid}\\]`;
  expect(stderr).toMatch(new RegExp(stopped));
  const states = logOf({ stderr }).map(({ state }) => state);
  expect(states).not.toContain('lost');
  expect(states).toContain('done');
});

/** From now on, opening a descriptor fails with EMFILE unless another is closed first. */
function leaveNoDescriptorTo(pid: number): void {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let free = 0;
  while (open.has(free)) free += 1;
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${free}:`]);
}
