/** Options for cron jobs: --hold, --max-runtime, --once-per. */
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { gone, run } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import {
  contentOf,
  logOf,
  PROGRAM,
  runLockex,
  startLockex,
  temporaryDirectory,
  untilQueued,
  untilState,
  userEnvironment,
} from './program.ts';

let hosts: string;
beforeEach(async () => {
  hosts = (await sharedServerWithChroot()).connectString;
});

describe('--hold', () => {
  it('keeps the lock after the command has exited, and its exit status', async () => {
    const holder = startLockex(['-z', hosts, '-i', 'job', '--hold', '600', '--', 'exit 7']);
    await untilState(holder, 'cleanup.holding');
    const late = await runLockex(['-z', hosts, '-i', 'job', '-t', '0.5', '--', 'echo twice']);
    expect(late).toMatchObject({ status: 1, stdout: '' });
    // Other contenders may give up.
    holder.signal('SIGTERM');
    expect((await holder.ended).status).toBe(7);
  });

  it('releases the lock after the time', async () => {
    const holder = startLockex(['-z', hosts, '-i', 'job', '--hold', '2', '--', 'exit 7']);
    await untilState(holder, 'cleanup.holding');
    const next = startLockex(['-z', hosts, '-i', 'job', '--', 'echo mine']);
    await untilQueued(next);
    expect((await holder.ended).status).toBe(7);
    expect((await next.ended).stdout).toBe('mine\n');
  });
});

describe('--max-runtime', () => {
  it('stops a command that hangs, including its children, with exit status 123', async () => {
    const script = "trap '' TERM; sleep 600 & echo $!; sleep 600; sleep 600";
    const args = ['-z', hosts, '-i', 'job', '--max-runtime', '1', '--kill-after', '0.2'];
    const program = startLockex([...args, '--', script]);
    const child = Number(await program.line(/^\d+$/));
    const { status, stderr } = await program.ended;
    expect(status).toBe(123);
    await gone(child);
    expect(logOf({ stderr }).at(-1)).toMatchObject({
      level: 'error',
      message: 'done: the command exceeded --max-runtime (1 s) and was stopped',
      outcome: 'timedOut',
      exitCode: 123,
    });
  });

  it('does not affect a command that exits in time', async () => {
    const args = ['-z', hosts, '-q', '--max-runtime', '600', '--', 'exit 3'];
    expect((await runLockex(args)).status).toBe(3);
  });
});

describe('--once-per', () => {
  const job = (...args: string[]) => ['-z', hosts, '-i', 'job', '--once-per', '1h', ...args];

  it('runs the command once on any host, then reports who ran it and when', async () => {
    expect(await runLockex(job('--', 'echo ran'))).toMatchObject({ status: 0, stdout: 'ran\n' });
    const again = await runLockex(job('--', 'echo ran'));
    expect(again).toMatchObject({ status: 0, stdout: '' });
    expect(again.stderr).toMatch(/done: skipped: .* pid \d+ \(echo\) succeeded \d+ s ago\n/);
    const other = await runLockex(job('-q', '--skip-exit-code', '75', '--', 'echo ran'));
    expect(other).toMatchObject({ status: 75, stdout: '', stderr: '' });
  });

  it('runs it again after the time', async () => {
    const args = ['-z', hosts, '-q', '-i', 'job', '--once-per', '1s', '--', 'echo ran'];
    expect((await runLockex(args)).stdout).toBe('ran\n');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await runLockex(args)).stdout).toBe('ran\n');
  });

  it('ignores failed and interrupted runs', async () => {
    expect((await runLockex(job('-q', '--', 'exit 1'))).status).toBe(1);
    const crashing = startLockex(job('--', 'echo up; exec sleep 600'));
    await crashing.line(/^up$/);
    crashing.signal('SIGKILL');
    await crashing.ended;
    expect((await runLockex(job('-q', '--', 'echo ran'))).stdout).toBe('ran\n');
  });

  it('skips the run after waiting for another run', async () => {
    const first = startLockex(job('--', 'echo up; read line'));
    await first.line(/^up$/);
    const second = startLockex(job('--', 'echo twice'));
    await untilQueued(second);
    first.stdin.end('go\n');
    expect((await first.ended).status).toBe(0);
    expect(await second.ended).toMatchObject({ status: 0, stdout: '' });
  });

  it('uses ZooKeeper’s clock, not that of the hosts', async () => {
    // The clock of one host is a day late, that of the other a day early.
    const shifted = (by: string, ...args: string[]) =>
      run('faketime', ['-f', by, PROGRAM, ...args], { env: userEnvironment() });
    const late = await shifted('-1d', ...job('-q', '--', 'date +%s; echo ran'));
    expect(late).toMatchObject({ status: 0, stderr: '' });
    expect(Number.parseInt(late.stdout, 10)).toBeLessThan(Date.now() / 1000 - 80_000);
    expect(await shifted('+1d', ...job('-q', '--', 'echo ran'))).toMatchObject({
      status: 0,
      stdout: '',
    });
  });

  it('leaves no node that looks like a lock', async () => {
    await runLockex(job('-q', '--', 'true'));
    const { stdout } = await runLockex(['status', '-z', hosts, '--json']);
    expect(JSON.parse(stdout)).toMatchObject([{ id: 'job', holders: [] }]);
  });
});

describe('docs/examples/crontab', () => {
  const crontab = readFileSync(new URL('../../docs/examples/crontab', import.meta.url), 'utf8');
  const jobs = crontab.split('\n').filter((line) => /^[*\d]/.test(line));

  it.each(jobs)('%s', async (line) => {
    const directory = temporaryDirectory();
    // As cron does: five fields, and the rest for a shell. The job writes a word, which is counted.
    const job = line.replace(/^(\S+\s+){5}/, '');
    const command = job
      .replace(/^lockex /, `${PROGRAM} -z ${hosts} `)
      // A minute would be long for a test.
      .replace('--hold 60', '--hold 8')
      .replace(/-- (\S+)/, `-- sh -c 'echo $0 >>${directory}/ran; sleep 1' $1`);
    expect(command).not.toBe(job);
    const started = [1, 2, 3].map(() => run('sh', ['-c', command], { env: userEnvironment() }));
    const ended = await Promise.all(started);
    // cron mails all output: there must be none on any host.
    expect(ended.map(({ stdout, stderr }) => stdout + stderr)).toEqual(['', '', '']);
    expect(contentOf(`${directory}/ran`).trim().split('\n')).toHaveLength(1);
  });
});
