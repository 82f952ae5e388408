/** A guard that gets little CPU time, or whose first shell cannot be executed. */
import { getPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { Guard } from '../../../../src/command/guard/guard.ts';
import { GuardKeeper } from '../../../../src/command/guard/guard-keeper.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { readProcess } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import { cleanUp, leaseOf, onCleanUp, runningGuard, SHELLS, supervise } from '../harness.ts';

afterEach(cleanUp);

const isRoot = process.getuid?.() === 0;

function keeperWith(shells: readonly (readonly string[])[]) {
  const heard: string[] = [];
  const keeper = new GuardKeeper(
    {
      shells,
      clock: systemClock,
      log: (_level, message) => heard.push(message),
      scanMs: () => 0,
    },
    {
      onArmed: () => heard.push('armed'),
      onFailed: (message) => heard.push(`failed: ${message}`),
      onFiring: () => heard.push('firing'),
    },
  );
  onCleanUp(() => keeper.dismiss());
  return { keeper, heard };
}

it('uses the next shell if the kernel does not execute the first', async () => {
  const { keeper, heard } = keeperWith([['/etc/passwd'], ['/nowhere/sh'], ['/bin/sh']]);
  keeper.setFact('gate state', 'shut');
  keeper.extend(leaseOf(60_000));
  await until(() => heard.includes('armed'), 'a guard');
  expect(heard.slice(0, 2)).toEqual([
    expect.stringContaining('/etc/passwd cannot be executed (EACCES)'),
    expect.stringContaining('/nowhere/sh cannot be executed (ENOENT)'),
  ]);
});

it('fails if no shell is left', async () => {
  const { keeper, heard } = keeperWith([['/etc/passwd']]);
  keeper.extend(leaseOf(60_000));
  await until(() => heard.some((line) => line.startsWith('failed: ')), 'the failure');
  expect(heard).not.toContain('armed');
});

it.runIf(isRoot)(
  'guard and init get the highest priority, and the command that of lockex',
  async () => {
    const command = { kind: 'shell', line: 'sleep 200' } as const;
    const { run, supervisor } = supervise({ command });
    const first = await run();
    expect(getPriority(await runningGuard(supervisor))).toBe(-20);
    await until(() => getPriority(readProcess(first)?.parent ?? 0) === -20, 'the init');
    expect(getPriority(first)).toBe(getPriority());
  },
);

it.each(SHELLS)(
  'in %s that woke late, it takes the next deadline to be earlier',
  async (_, shell) => {
    const reported = new Map<string, number>();
    const note = (what: string) => reported.set(what, systemClock.now());
    const nothing = () => {};
    const guard = new Guard(shell, [], {
      onBeat: note,
      onFiring: () => note('firing'),
      onGone: nothing,
      onUnfit: nothing,
    });
    onCleanUp(() => guard.kill());
    const beat = (deadline: number) => `beat ${Math.floor(deadline / 10)}`;
    const first = beat(systemClock.now() + 15_000);
    guard.send(first);
    await until(() => reported.has(first), 'the first echo');
    // It waits for 5 s at most, and does not run after that.
    await pause(500);
    process.kill(guard.pid ?? 0, 'SIGSTOP');
    await pause(7000);
    process.kill(guard.pid ?? 0, 'SIGCONT');
    const deadline = systemClock.now() + 8000;
    guard.send(beat(deadline));
    await until(() => reported.has('firing'), 'the guard to fire');
    expect(reported.get('firing')).toBeLessThan(deadline - 200);
  },
);
