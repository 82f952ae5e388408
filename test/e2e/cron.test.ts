/** What cron jobs need: a lock that is kept for a while, and a command that does not hang for ever. */
import { beforeEach, describe, expect, it } from 'vitest';
import { gone } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { logOf, runLockex, startLockex, untilQueued, untilState } from './program.ts';

let hosts: string;
beforeEach(async () => {
  hosts = (await sharedServerWithChroot()).connectString;
});

describe('--hold', () => {
  it('keeps the lock when the command has ended, and its exit status', async () => {
    const holder = startLockex(['-z', hosts, '-i', 'job', '--hold', '600', '--', 'exit 7']);
    await untilState(holder, 'cleanup.holding');
    const late = await runLockex(['-z', hosts, '-i', 'job', '-t', '0.5', '--', 'echo twice']);
    expect(late).toMatchObject({ status: 1, stdout: '' });
    // Nobody has to wait for it who does not want to.
    holder.signal('SIGTERM');
    expect((await holder.ended).status).toBe(7);
  });

  it('lets go by itself when the time is over', async () => {
    const holder = startLockex(['-z', hosts, '-i', 'job', '--hold', '2', '--', 'exit 7']);
    await untilState(holder, 'cleanup.holding');
    const next = startLockex(['-z', hosts, '-i', 'job', '--', 'echo mine']);
    await untilQueued(next);
    expect((await holder.ended).status).toBe(7);
    expect((await next.ended).stdout).toBe('mine\n');
  });
});

describe('--max-runtime', () => {
  it('stops what hangs, children included, and says so with 123', async () => {
    const script = "trap '' TERM; sleep 600 & echo $!; sleep 600; sleep 600";
    const words = ['-z', hosts, '-i', 'job', '--max-runtime', '1', '--kill-after', '0.2'];
    const program = startLockex([...words, '--', script]);
    const child = Number(await program.line(/^\d+$/));
    const { status, stderr } = await program.ended;
    expect(status).toBe(123);
    await gone(child);
    expect(logOf({ stderr }).at(-1)).toMatchObject({
      level: 'error',
      message: 'done: the command ran for longer than 1 s, and was stopped',
      reason: 'overran',
      exitCode: 123,
    });
  });

  it('leaves alone what ends in time', async () => {
    const words = ['-z', hosts, '-q', '--max-runtime', '600', '--', 'exit 3'];
    expect((await runLockex(words)).status).toBe(3);
  });
});
