/** The gate: the command gets its arguments, environment and descriptors unchanged. */
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { SupervisorOptions } from '../../../../src/command/options.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { until } from '../../../support/until.ts';
import {
  attempt,
  carriers,
  cleanUp,
  GRANT,
  hold,
  leaseOf,
  lineIn,
  newGuid,
  SHELLS,
  supervise,
  temporaryDirectory,
} from '../harness.ts';

afterEach(cleanUp);

/** Runs a program that copies a file of its own /proc directory; returns the file's fields. */
async function fieldsOf(
  what: 'environ' | 'cmdline',
  settings: Partial<SupervisorOptions> & { args?: readonly string[] },
): Promise<readonly string[]> {
  const copy = join(temporaryDirectory(), what);
  const argv = ['/bin/cp', `/proc/self/${what}`, copy, ...(settings.args ?? [])] as const;
  const { run, events } = supervise({ command: { kind: 'program', argv }, ...settings });
  await run();
  expect((await events.next('command.stopped')).exit?.code).toBe(0);
  return readFileSync(copy, 'utf8').split('\0').slice(0, -1);
}

const ODD_ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  'my-var': 'a "quoted" $value \\ with\nnewlines\n',
  'BASH_FUNC_x%%': '() { echo hi; }',
  '-dash': 'first',
  'with blank': ' ',
  '"$x\\': 'quotes in the name',
  EMPTY: '',
  IFS: 'x',
  OPTIND: 'not a number',
  PPID: '1',
  SHELLOPTS: 'verbose',
  LOCKEX_GATE_0: 'mine',
  LOCKEX_FENCING_TOKEN: 'of an outer one',
};

const ENVIRONMENTS: Record<string, Record<string, string>> = {
  'one that was emptied': {},
  'only a path': { PATH: '/usr/bin:/bin' },
  'what every shell touches': {
    PATH: '/usr/bin:/bin',
    PWD: '/nowhere',
    OLDPWD: '/before',
    SHLVL: '7',
    _: '/usr/bin/something',
    TEXT: 'two\nlines',
  },
  'odd names': ODD_ENVIRONMENT,
  'odd names, and no path': { 'a.b': 'c' },
};

describe.each(SHELLS)('the gate in %s', (name, shell) => {
  it.each(Object.entries(ENVIRONMENTS))('passes on %s exactly', async (_what, env) => {
    const guid = newGuid();
    const seen = await fieldsOf('environ', { env, guid, shell, lockId: 'my id' });
    const wanted = {
      ...env,
      LOCKEX_LOCKID: 'my id',
      LOCKEX_FENCING_TOKEN: GRANT.fencingToken,
      LOCKEX_LOCK_PATH: GRANT.path,
      [`LOCKEX_HELD_${guid}`]: '1',
    };
    expect([...seen].sort()).toEqual(
      Object.entries(wanted)
        .map(([name, value]) => `${name}=${value}`)
        .sort(),
    );
  });

  it.each(['plain', 'odd'])('passes on every argument unchanged (%s environment)', async (kind) => {
    const file = join(temporaryDirectory(), 'out');
    const args = ['', ' ', '-n', '--', 'a\nb', '"\'$(x)`\\', '*', 'é', '$1', '-'];
    const script = 'f=$1; shift; printf "%s\\0" "$0" "$@" >"$f"';
    const { run, events } = supervise({
      command: { kind: 'program', argv: ['sh', '-c', script, '', file, ...args] },
      shell,
      env: kind === 'odd' ? { ...process.env, 'my-var': 'odd' } : process.env,
    });
    await run();
    await events.next('command.stopped');
    expect(readFileSync(file, 'utf8').split('\0').slice(0, -1)).toEqual(['', ...args]);
  });

  it('keeps the name as typed', async () => {
    const file = join(temporaryDirectory(), 'name');
    const line = `tr '\\0' '\\n' </proc/$$/cmdline | head -n 1 >${file}; echo $0 >>${file}`;
    const typed = supervise({ command: { kind: 'program', argv: ['sh', '-c', line] }, shell });
    await typed.run();
    await typed.events.next('command.stopped');
    expect(readFileSync(file, 'utf8')).toBe('sh\nsh\n');
  });

  it('runs a line with /bin/sh, even one that begins with a dash', async () => {
    const file = join(temporaryDirectory(), 'out');
    const line = `-nothing 2>${file}.err; echo "$0 $LOCKEX_FENCING_TOKEN" >${file}; exit 7`;
    const { run, events } = supervise({ command: { kind: 'shell', line }, shell });
    await run();
    expect((await events.next('command.exited')).exit).toEqual({ code: 7, signal: null });
    expect(readFileSync(file, 'utf8')).toBe(`/bin/sh ${GRANT.fencingToken}\n`);
  });

  it('leaves only the three standard descriptors to the command', async () => {
    const file = join(temporaryDirectory(), 'out');
    // lockex's are sockets; so may be some of the three that this test inherited.
    const inherited = supervise({
      command: {
        kind: 'shell',
        line: `ls -l /proc/$$/fd | grep -c socket: >${file}; echo >>${file}`,
      },
      shell,
    });
    await inherited.run();
    await inherited.events.next('command.stopped');
    expect(readFileSync(file, 'utf8').trim()).toBe(String(socketsOfStdio()));
  });

  it('does not open after its deadline, even if lockex reads an earlier time', async () => {
    const out = join(temporaryDirectory(), 'out');
    // As if lockex had been stopped after it read the clock.
    const clock = { ...systemClock, now: () => systemClock.now() - 60_000 };
    const { supervisor, events, logs } = supervise({
      command: { kind: 'shell', line: `echo ran >${out}` },
      ...{ clock, guard: false, shell },
    });
    const now = clock.now();
    const lease = { provenAt: now, stopAt: now + 29_000, leaseEnd: now + 30_000 };
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.arm', lease });
    await events.next('command.armed');
    supervisor.send({ type: 'command.start', grant: GRANT });
    await until(() => logs.some((line) => line.includes('parking another')), 'the gate to give up');
    supervisor.send({ type: 'command.stop', graceMs: 0, deadline: null });
    expect(await events.next('command.stopped')).toMatchObject({ exit: null });
    expect(events.types).not.toContain('command.started');
    expect(existsSync(out)).toBe(false);
  });

  it('ends when it is stopped while the kernel refuses the command', async () => {
    const program = join(temporaryDirectory(), 'program');
    writeFileSync(program, '#!/etc/passwd\n', { mode: 0o755 });
    const { supervisor, events } = supervise({
      command: { kind: 'program', argv: [program] },
      shell,
    });
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    await events.next('command.armed');
    supervisor.send({ type: 'command.start', grant: GRANT });
    supervisor.send({ type: 'command.stop', graceMs: 1000, deadline: null });
    await events.next('command.stopped');
  });

  it('is replaced when its socket is closed, although its end was not reported yet', async () => {
    const directory = temporaryDirectory();
    const script = join(directory, 'first-a-dud');
    const dud = `if [ "$3" = gate ] && mkdir ${directory}/dud; then
      echo parked >&3
      exec 3>&-
      exec sleep 600
    fi 2>/dev/null
    exec ${shell.join(' ')} "$@"`;
    writeFileSync(script, dud);
    const { supervisor, events, logs } = supervise({
      command: { kind: 'shell', line: 'exit 7' },
      shell: ['/bin/sh', script],
    });
    supervisor.send({ type: 'command.park' });
    await until(() => logs.some((line) => line.includes('parking another')), 'another gate');
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    await events.next('command.armed');
    supervisor.send({ type: 'command.start', grant: GRANT });
    expect((await events.next('command.stopped')).exit?.code).toBe(7);
  });

  it('fails with 126 if the kernel refuses a program that looked executable', async () => {
    const program = join(temporaryDirectory(), 'program');
    // The interpreter exists, but is not a program: only exec detects that.
    writeFileSync(program, '#!/etc/passwd\n', { mode: 0o755 });
    const { events } = attempt({ command: { kind: 'program', argv: [program] }, shell });
    if (name === 'bash') {
      // This shell executes env, which reports it by its own status.
      expect((await events.next('command.stopped')).exit?.code).toBe(126);
      return;
    }
    expect((await events.next('command.failed')).exitCode).toBe(126);
    expect(events.types).not.toContain('command.started');
  });

  it('ignores SIGHUP for the command if lockex was started with SIGHUP ignored', async () => {
    const file = join(temporaryDirectory(), 'out');
    const line = `kill -HUP $$; echo survived >${file}`;
    const ignoring = supervise({ command: { kind: 'shell', line }, shell, ignoreHangup: true });
    await ignoring.run();
    expect((await ignoring.events.next('command.stopped')).exit?.code).toBe(0);
    const obeying = supervise({ command: { kind: 'shell', line }, shell });
    await obeying.run();
    const { exit } = await obeying.events.next('command.stopped');
    expect(exit).toEqual({ code: null, signal: { name: 'SIGHUP', number: 1 } });
  });

  it('is replaced when it dies, and the command still runs', async () => {
    const file = join(temporaryDirectory(), 'out');
    const line = `echo ran >${file}`;
    const { supervisor, events, marker } = supervise({ command: { kind: 'shell', line }, shell });
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    await events.next('command.armed');
    const [gate] = carriers(marker);
    if (gate === undefined) throw new Error('no gate is parked');
    process.kill(gate.pid, 'SIGKILL');
    await until(() => carriers(marker).some(({ pid }) => pid !== gate?.pid), 'another gate');
    supervisor.send({ type: 'command.start', grant: GRANT });
    expect((await events.next('command.stopped')).exit?.code).toBe(0);
    expect(await lineIn(file)).toBe('ran');
    expect(events.types.filter((type) => type === 'command.exited')).toHaveLength(1);
  });
});

describe('the command', () => {
  it('reads all of stdin and writes all of stdout, byte by byte', async () => {
    const holder = await hold({ command: { kind: 'program', argv: ['cat'] } }, { stdio: 'pipe' });
    const { stdin, stdout } = holder.child;
    if (stdin === null || stdout === null) throw new Error('no pipes');
    const bytes = Buffer.alloc(300_000, 0).map((_, index) => (index * 7) & 0xff);
    const received: Buffer[] = [];
    stdout.on('data', (chunk: Buffer) => received.push(chunk));
    // Written before the gate opens: neither lockex nor the gate may read a byte of it.
    stdin.end(bytes);
    await holder.run();
    await holder.events.next('command.stopped');
    await until(() => Buffer.concat(received).length >= bytes.length);
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
  });

  it.each([0, 1, 2, 3, 63, 64, 123, 124, 125, 126, 127, 128, 129, 143, 200, 254, 255])(
    'exits with %i, which is reported',
    async (code) => {
      const { run, events } = supervise({ command: { kind: 'shell', line: `exit ${code}` } });
      await run();
      const exit = { code, signal: null };
      expect(await events.next('command.exited')).toMatchObject({ exit, byGuard: false });
      const how = { means: 'exited', stragglers: [] };
      expect(await events.next('command.stopped')).toEqual({ type: 'command.stopped', exit, how });
    },
  );

  it.each([
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGQUIT', 3],
    ['SIGKILL', 9],
    ['SIGUSR1', 10],
    ['SIGSEGV', 11],
    ['SIGPIPE', 13],
    ['SIGTERM', 15],
    ['SIGXFSZ', 25],
  ])('dies of %s, which is reported', async (name, number) => {
    const line = `ulimit -c 0; kill -${number} $$; sleep 60`;
    const { run, events } = supervise({ command: { kind: 'shell', line } });
    await run();
    const { exit } = await events.next('command.exited');
    expect(exit).toEqual({ code: null, signal: { name, number } });
  });
});

/**
 * Number of this process's own standard descriptors that are sockets; the command inherits them.
 */
function socketsOfStdio(): number {
  return [0, 1, 2].filter((fd) => readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')).length;
}
