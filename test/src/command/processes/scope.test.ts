/**
 * Everything that the command started is ended, with and without a cgroup, by lockex or by the
 * guard of a lockex that was killed. Uses real daemons, sessions of their own, emptied
 * environments, other users and loops of forks.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../scripts/servers/loopback.ts';
import type { ProcessRecord } from '../../../../src/command/processes/process-table.ts';
import { SETTLING_MS } from '../../../../src/command/running-command.ts';
import { type Clock, systemClock } from '../../../../src/util/clock.ts';
import { isStill, readProcess, readProcessTable, signal } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import { carriers, cleanUp, hold, pidIn, supervise, temporaryDirectory } from '../harness.ts';

afterEach(cleanUp);

const isRoot = process.getuid?.() === 0;

/**
 * Its first thread ends, so it looks like a zombie; then another thread writes the pid and runs.
 */
const HEADLESS = `
import ctypes, os, signal, sys, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def go_on():
    while " Z " not in open("/proc/self/stat").read(): time.sleep(0.01)
    with open(sys.argv[1], "w") as file: print(os.getpid(), file=file)
    time.sleep(200)
threading.Thread(target=go_on).start()
ctypes.CDLL(None).pthread_exit(None)
`;

/** Each forks the next one and ends, 100 times a second for two minutes, in one group. */
const CHAIN = `
$SIG{TERM} = "IGNORE";
for (my $end = time + 120; time < $end; select(undef, undef, undef, 0.002)) {
  fork and exit;
  open my $file, ">>", $ARGV[0]; print $file "."; close $file;
}
`;

/** Daemons and others: each writes the pid of its last process, and lives for minutes. */
const ESCAPES: Record<string, (file: string) => string> = {
  'a child that ignores SIGTERM': (file) =>
    `sh -c 'trap "" TERM HUP; echo $$ >${file}; sleep 200; sleep 200' & sleep 200`,
  'a session of its own': (file) =>
    `setsid sh -c 'trap "" TERM; echo $$ >${file}; sleep 200; sleep 200' & sleep 200`,
  'an orphan in a session of its own, with an empty environment': (file) =>
    `(env -i /usr/bin/setsid /bin/sh -c '(echo $$ >${file}; exec sleep 200) & sleep 200' &) ; sleep 200`,
  'a double fork whose parents are gone': (file) =>
    `env -i /usr/bin/setsid /bin/sh -c '(/usr/bin/setsid /bin/sh -c "echo \\$\\$ >${file}; exec sleep 200" &)' & sleep 200`,
  'a process whose first thread has ended': (file) =>
    `setsid /usr/bin/python3 -c '${HEADLESS}' ${file} & sleep 200`,
  'a process group of its own': (file) =>
    `bash -c 'set -m; (echo $BASHPID >${file}; exec sleep 200) & wait' & sleep 200`,
  'a stopped process': (file) => `sh -c 'echo $$ >${file}; kill -STOP $$; sleep 200' & sleep 200`,
  ...(isRoot
    ? {
        'another user': (file: string) =>
          `: >${file}; chmod 666 ${file}; chmod 711 $(dirname ${file}); env -i /usr/bin/setsid /bin/su nobody -s /bin/sh -c '(echo $$ >${file}; exec sleep 200) & sleep 200' & sleep 200`,
      }
    : {}),
};

const SCOPES = ['auto', 'group'] as const;

describe.each(SCOPES)('with scope %s', (scope) => {
  describe.each(Object.entries(ESCAPES))('%s', (_what, lineOf) => {
    it('is dead when lockex has stopped the command', async () => {
      const file = join(temporaryDirectory(), 'pid');
      const { supervisor, events, run } = supervise({
        command: { kind: 'shell', line: lineOf(file) },
        scope,
      });
      await run();
      const escaped = await pidIn(file);
      supervisor.send({ type: 'command.stop', graceMs: 200, deadline: null });
      await events.next('command.stopped');
      expect(isStill(escaped)).toBe(false);
    });

    it('is dead when the guard has killed the command', async () => {
      const file = join(temporaryDirectory(), 'pid');
      const holder = await hold({ command: { kind: 'shell', line: lineOf(file) }, scope });
      const command = await holder.run();
      const escaped = await pidIn(file);
      process.kill(holder.identity.pid, 'SIGKILL');
      await until(() => !isStill(escaped) && !isStill(command));
    });
  });

  it('a real redis-server that runs as a daemon is stopped', async () => {
    const redis = await redisLine();
    const { supervisor, events, run } = supervise({
      command: { kind: 'shell', line: `${redis.line}; sleep 200` },
      scope,
    });
    await run();
    const daemon = await pidIn(redis.pidFile);
    supervisor.send({ type: 'command.stop', graceMs: 2000, deadline: null });
    await events.next('command.stopped');
    expect(isStill(daemon)).toBe(false);
  });

  it('a real redis-server that runs as a daemon is killed by the guard', async () => {
    const redis = await redisLine();
    const holder = await hold({
      command: { kind: 'shell', line: `${redis.line}; sleep 200` },
      scope,
    });
    await holder.run();
    const daemon = await pidIn(redis.pidFile);
    process.kill(holder.identity.pid, 'SIGKILL');
    await until(() => !isStill(daemon), 'the end of redis');
  });

  it('leftovers of the command are stopped and named', async () => {
    const redis = await redisLine();
    const { events, run } = supervise({ command: { kind: 'shell', line: redis.line }, scope });
    await run();
    const { exit } = await events.next('command.exited');
    const { how } = await events.next('command.stopped');
    expect(exit.code).toBe(0);
    expect(how).toEqual({
      means: 'SIGTERM',
      stragglers: [expect.stringMatching(/^redis-server\[/)],
    });
  });

  // On this clock leftovers have as much time as a slow host needs.
  const patientClock: Clock = {
    ...systemClock,
    setTimeout: (callback, ms) =>
      systemClock.setTimeout(callback, ms === SETTLING_MS ? 600_000 : ms),
  };

  it('leftovers that end by themselves soon are not stopped', async () => {
    const { supervisor, events, run } = supervise({
      command: { kind: 'shell', line: 'sleep 0.03 & exit 5' },
      scope,
      clock: patientClock,
    });
    // The machine's answer.
    supervisor.listen((event) => {
      events.push(event);
      if (event.type !== 'command.exited') return;
      supervisor.send({ type: 'command.stop', graceMs: 2000, deadline: null });
    });
    await run();
    const stopped = await events.next('command.stopped');
    expect(stopped.exit?.code).toBe(5);
    expect(stopped.how).toEqual({ means: 'exited', stragglers: [] });
  });

  it.each([
    { who: 'a second SIGTERM', graceMs: 0, deadline: null },
    { who: 'a lost lock', graceMs: 2000, deadline: systemClock.now() },
  ])('$who does not wait for that moment', async ({ graceMs, deadline }) => {
    const { supervisor, events, run } = supervise({
      command: { kind: 'shell', line: 'sleep 200 & exit 5' },
      scope,
      clock: patientClock,
    });
    await run();
    await events.next('command.exited');
    supervisor.send({ type: 'command.stop', graceMs, deadline });
    const { how } = await events.next('command.stopped');
    expect(how).toEqual({ means: 'SIGKILL', stragglers: [expect.stringMatching(/^(sh|sleep)\[/)] });
  });

  describe('a chain of forks that is faster than any scan', () => {
    const isGrowing = async (file: string) => {
      const before = statSync(file).size;
      await pause(300);
      return statSync(file).size > before;
    };

    it.each([
      { when: 'stopped', line: 'sleep 200' },
      { when: 'ended', line: 'exit 0' },
    ])('is dead when the command has $when', async ({ when, line }) => {
      const file = join(temporaryDirectory(), 'links');
      const { supervisor, events, run } = supervise({
        command: { kind: 'shell', line: `perl -e '${CHAIN}' ${file} & sleep 0.3; ${line}` },
        scope,
      });
      await run();
      await until(() => existsSync(file) && statSync(file).size > 9);
      if (when === 'ended') await events.next('command.exited');
      supervisor.send({ type: 'command.stop', graceMs: 200, deadline: null });
      await events.next('command.stopped');
      expect(await isGrowing(file)).toBe(false);
    });

    it('is dead when the guard has killed it after the end of the first process', async () => {
      const file = join(temporaryDirectory(), 'links');
      const line = `perl -e '${CHAIN}' ${file} & sleep 200`;
      const holder = await hold({ command: { kind: 'shell', line }, scope });
      const command = await holder.run();
      await until(() => existsSync(file) && statSync(file).size > 9);
      process.kill(holder.identity.pid, 'SIGKILL');
      signal(command, 'SIGKILL');
      await until(async () => !(await isGrowing(file)), 'the end of the chain');
    });
  });

  it('a loop of forks is ended', async () => {
    // Each generation starts the next in a session of its own and ends; for a minute at most.
    const loop =
      'use POSIX; my $end = time + 60; while (time < $end) ' +
      '{ fork and exit; setsid(); select(undef, undef, undef, 0.02) }';
    const { supervisor, events, run, marker } = supervise({
      command: { kind: 'shell', line: `perl -e '${loop}' & sleep 200` },
      scope,
    });
    await run();
    await until(() => carriers(marker).some(({ name }) => name === 'perl'));
    supervisor.send({ type: 'command.stop', graceMs: 100, deadline: null });
    await events.next('command.stopped');
    expect(carriers(marker)).toEqual([]);
  });

  it('many at once are ended', async () => {
    const line = 'i=0; while [ $i -lt 150 ]; do setsid sleep 200 & i=$((i+1)); done; wait';
    const { supervisor, events, run, marker } = supervise({
      command: { kind: 'shell', line },
      scope,
    });
    await run();
    await until(() => carriers(marker).filter(({ name }) => name === 'sleep').length === 150);
    supervisor.send({ type: 'command.stop', graceMs: 0, deadline: null });
    await events.next('command.stopped');
    expect(carriers(marker)).toEqual([]);
  });

  it('zombies do not count as living', async () => {
    // The child ends, and its parent never reaps it.
    const script = '$SIG{TERM} = "IGNORE"; my $pid = fork; exit unless $pid; sleep 200 while 1';
    const { supervisor, events, run } = supervise({
      command: { kind: 'program', argv: ['perl', '-e', script] },
      scope,
    });
    const pid = await run();
    const isZombie = ({ parent, state }: ProcessRecord) => parent === pid && state === 'Z';
    await until(() => [...readProcessTable().values()].some(isZombie), 'a zombie');
    supervisor.send({ type: 'command.stop', graceMs: 300, deadline: null });
    const { exit, how } = await events.next('command.stopped');
    expect(exit?.signal?.name).toBe('SIGKILL');
    expect(how).toEqual({ means: 'SIGKILL', stragglers: [] });
  });
});

/**
 * A redis that runs as a daemon on a free loopback port, with its data in a temporary directory.
 */
async function redisLine(): Promise<{ line: string; pidFile: string }> {
  const directory = temporaryDirectory();
  const pidFile = join(directory, 'redis.pid');
  const port = await freePort();
  const program = execFileSync('sh', ['-c', 'command -v redis-server'], {
    encoding: 'utf8',
  }).trim();
  const options = `--bind 127.0.0.1 --port ${port} --dir ${directory} --pidfile ${pidFile} --save ''`;
  return { line: `${program} ${options} --daemonize yes >${directory}/log`, pidFile };
}

it('a later process with the same pid is not the same process', () => {
  const self = readProcess(process.pid);
  if (self === null) throw new Error('no /proc');
  expect(isStill(self)).toBe(true);
  expect(isStill({ pid: self.pid, start: self.start - 1 })).toBe(false);
});
