/** The recipes of the README, on several simulated hosts. */
import { writeFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { gone } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import {
  contentOf,
  logOf,
  startLockex,
  temporaryDirectory,
  untilQueued,
  untilState,
} from './program.ts';

let hosts: string;
beforeEach(async () => {
  hosts = (await sharedServerWithChroot()).connectString;
});

it('a cold standby starts its command only after the holder received SIGTERM', async () => {
  const journal = `${temporaryDirectory()}/journal`;
  // Both hosts run the same command line, from which the lock id is derived.
  const service = `echo start >>${journal}; trap 'echo stop >>${journal}; exit 0' TERM; echo up; while :; do sleep 0.1; done`;
  const holder = startLockex(['-z', hosts, '--', service]);
  await holder.line(/^up$/);
  const standby = startLockex(['-z', hosts, '--', service]);
  await untilQueued(standby);
  expect(contentOf(journal)).toBe('start\n');
  holder.signal('SIGTERM');
  await standby.line(/^up$/);
  expect(contentOf(journal)).toBe('start\nstop\nstart\n');
  expect((await holder.ended).status).toBe(0);
  standby.signal('SIGTERM');
  expect((await standby.ended).status).toBe(0);
});

it('a cron job with -t 1 that starts on five hosts at once runs on one of them', async () => {
  const directory = temporaryDirectory();
  // Runs until all other hosts have given up, like the sleep of the recipe.
  const job = `echo $LOCKEX_FENCING_TOKEN >>${directory}/ran; while [ ! -e ${directory}/over ]; do sleep 0.1; done`;
  const programs = Array.from({ length: 5 }, () =>
    startLockex(['-z', hosts, '-i', 'nightly', '-t', '1', '--', job]),
  );
  const statuses: (number | null)[] = [];
  await new Promise<void>((resolve) => {
    for (const program of programs) {
      void program.ended.then(({ status }) => {
        statuses.push(status);
        if (statuses.length === 4) resolve();
      });
    }
  });
  expect(statuses).toEqual([1, 1, 1, 1]);
  writeFileSync(`${directory}/over`, '');
  const all = await Promise.all(programs.map(({ ended }) => ended));
  expect(all.map(({ status }) => status).sort()).toEqual([0, 1, 1, 1, 1]);
  expect(contentOf(`${directory}/ran`).trim().split('\n')).toHaveLength(1);
});

it('three contenders with --no-blocking acquire three permits at once', async () => {
  const args = ['-z', hosts, '-i', 'burst', '-c', '3', '--no-blocking', '--', 'sleep', '600'];
  const programs = [1, 2, 3].map(() => startLockex(args));
  for (const program of programs) await untilState(program, 'running');
  const fourth = startLockex(args);
  expect((await fourth.ended).status).toBe(1);
});

it('eight contenders acquire the lock once each, in queue order', async () => {
  const journal = `${temporaryDirectory()}/journal`;
  const first = startLockex(['-z', hosts, '-i', 'fifo', '--', 'sleep', '600']);
  await untilState(first, 'running');
  const others = [];
  for (let index = 1; index <= 7; index += 1) {
    const script = `echo ${index} >>${journal}`;
    const program = startLockex(['-z', hosts, '-i', 'fifo', '--', script]);
    expect(await untilQueued(program)).toMatchObject({ queue: { position: index } });
    others.push(program);
  }
  first.signal('SIGTERM');
  const ended = await Promise.all(others.map((program) => program.ended));
  expect(ended.map(({ status }) => status)).toEqual(others.map(() => 0));
  expect(contentOf(journal)).toBe('1\n2\n3\n4\n5\n6\n7\n');
});

it('after SIGKILL of lockex no process is left, and the standby does not wait for T', async () => {
  const args = ['-z', hosts, '-T', '30', '-i', 'k', '--', 'echo $$; exec sleep 600'];
  const holder = startLockex(args);
  const pid = Number(await holder.line(/^\d+$/));
  const standby = startLockex(args);
  await untilQueued(standby);
  const killedAt = performance.now();
  holder.signal('SIGKILL');
  await standby.line(/^\d+$/);
  // The session timeout is 30 s; with a guard and a reaper it takes a tenth of a second.
  expect(performance.now() - killedAt).toBeLessThan(20_000);
  await gone(pid);
  standby.signal('SIGTERM');
  const { status } = await standby.ended;
  expect(status).toBe(143);
  expect(logOf(standby).length).toBeGreaterThan(0);
});
