/**
 * The supervisor and its init: which interpreter is chosen, and what follows when either is gone.
 */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findInitRuntimes, type InitRuntime } from '../../../../src/command/init/init-runtime.ts';
import { isStill, readProcess } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import {
  carriers,
  cleanUp,
  GRANT,
  hold,
  leaseOf,
  lineIn,
  pidIn,
  supervise,
  temporaryDirectory,
} from '../harness.ts';

afterEach(cleanUp);

const isRoot = process.getuid?.() === 0;
const FOUND = findInitRuntimes();
const UNFIT: InitRuntime = { name: 'perl', argv: ['/bin/false'], env: {} };
const MISSING: InitRuntime = { name: 'perl', argv: ['/nowhere/perl'], env: {} };

const CHOICES: readonly (readonly [string, readonly InitRuntime[], RegExp])[] = [
  ...FOUND.map((runtime) => [runtime.name, [runtime], new RegExp(runtime.name)] as const),
  ['no interpreter', [], /^(?!perl|python)/],
  ['one that is unfit, and another', [UNFIT, ...FOUND], /perl/],
  ['one that is missing, and no other', [MISSING], /^(?!perl|python)/],
];

it.each(CHOICES)(
  'with %s, the command runs, and its parent is that',
  async (_what, inits, name) => {
    const file = join(temporaryDirectory(), 'parent');
    const line = `read -r pid name rest </proc/$PPID/stat; echo "$name" >${file}; exit 7`;
    const command = { kind: 'shell', line } as const;
    const { run, events } = supervise({ command, initRuntimes: inits });
    await run();
    expect((await events.next('command.stopped')).exit).toEqual({ code: 7, signal: null });
    expect((await lineIn(file)).replace('(', '')).toMatch(name);
  },
);

/**
 * A daemon that carries no mark: its environment is empty, its limit on locks is that of a login,
 * and its parents are gone before the first scan.
 */
const unmarked = (file: string) => {
  const limits = 'prlimit --locks=unlimited';
  const daemon = `(/usr/bin/setsid /bin/sh -c "echo \\$\\$ >${file}; sleep 200; :" &)`;
  return `env -i /usr/bin/${limits} /usr/bin/setsid /bin/sh -c '${daemon}'; sleep 200`;
};

describe.runIf(isRoot).each(FOUND)('with an init in $name, an unmarked daemon is killed', (its) => {
  const start = async (leaseMs: number) => {
    const file = join(temporaryDirectory(), 'pid');
    const command = { kind: 'shell', line: unmarked(file) } as const;
    const holder = await hold({ command, scope: 'group', initRuntimes: [its] });
    await holder.run(leaseOf(leaseMs));
    return { holder, daemon: await pidIn(file) };
  };

  it('when lockex is killed', async () => {
    const { holder, daemon } = await start(60_000);
    process.kill(holder.identity.pid, 'SIGKILL');
    await until(() => !isStill(daemon), 'the end of the daemon');
  });

  it('by the signal of the guard when lockex is stopped', async () => {
    const { holder, daemon } = await start(4000);
    process.kill(holder.identity.pid, 'SIGSTOP');
    await until(() => !isStill(daemon), 'the end of the daemon');
    expect(readProcess(holder.identity.pid)?.state).toBe('T');
  });
});

describe.each(FOUND)('an init in $name that is killed', (its) => {
  it('ends the command, which is reported as SIGKILL', async () => {
    const file = join(temporaryDirectory(), 'pid');
    const line = `setsid sh -c 'echo $$ >${file}; sleep 200; :' & sleep 200`;
    const command = { kind: 'shell', line } as const;
    const { run, events, logs } = supervise({ command, initRuntimes: [its] });
    const first = readProcess(await run());
    const other = await pidIn(file);
    process.kill(first?.parent ?? 0, 'SIGKILL');
    const { exit } = await events.next('command.exited');
    expect(exit).toEqual({ code: null, signal: { name: 'SIGKILL', number: 9 } });
    await events.next('command.stopped');
    expect([first, other].some((each) => each !== null && isStill(each))).toBe(false);
    expect(logs.join('\n')).toContain('the init of the command ended unexpectedly');
  });

  it('that is asked to kill before it has read its request kills the gate as well', async () => {
    const command = { kind: 'shell', line: 'exit 7' } as const;
    const { supervisor, events, marker } = supervise({ command, initRuntimes: [its] });
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.stop', graceMs: 0, deadline: null });
    expect((await events.next('command.stopped')).exit).toBeNull();
    await until(() => carriers(marker).length === 0, 'the end of the gate');
  });

  it('while the gate is parked is replaced, and the command still runs', async () => {
    const command = { kind: 'shell', line: 'exit 7' } as const;
    const { supervisor, events, marker } = supervise({ command, initRuntimes: [its] });
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    await events.next('command.armed');
    const [gate] = carriers(marker);
    process.kill(gate?.parent ?? 0, 'SIGKILL');
    await until(() => carriers(marker).some(({ pid }) => pid !== gate?.pid), 'another gate');
    supervisor.send({ type: 'command.start', grant: GRANT });
    expect((await events.next('command.stopped')).exit?.code).toBe(7);
    expect(gate !== undefined && isStill(gate)).toBe(false);
  });
});
