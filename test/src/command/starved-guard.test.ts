/** A guard that gets little CPU time, or whose first shell can't be executed. */
import { getPriority } from 'node:os';
import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { Guarding } from '../../../src/command/guarding.ts';
import { readProcess } from '../../support/process-list.ts';
import { until } from '../../support/until.ts';
import { cleanUp, leaseOf, onCleanUp, standingGuard, supervise } from './harness.ts';

afterEach(cleanUp);

const isRoot = process.getuid?.() === 0;

function guardingWith(shells: readonly (readonly string[])[]) {
  const heard: string[] = [];
  const guarding = new Guarding(
    {
      shells,
      clock: systemClock,
      log: (_level, message) => heard.push(message),
      lookMs: () => 0,
    },
    {
      onArmed: () => heard.push('armed'),
      onFailed: (message) => heard.push(`failed: ${message}`),
      onFiring: () => heard.push('firing'),
    },
  );
  onCleanUp(() => guarding.dismiss());
  return { guarding, heard };
}

it('takes the next shell where the kernel does not execute the first', async () => {
  const { guarding, heard } = guardingWith([['/etc/passwd'], ['/nowhere/sh'], ['/bin/sh']]);
  guarding.tell('gate state', 'shut');
  guarding.beat(leaseOf(60_000));
  await until(() => heard.includes('armed'), 'a guard');
  expect(heard.slice(0, 2)).toEqual([
    expect.stringContaining('/etc/passwd cannot be executed (EACCES)'),
    expect.stringContaining('/nowhere/sh cannot be executed (ENOENT)'),
  ]);
});

it('fails where no shell is left', async () => {
  const { guarding, heard } = guardingWith([['/etc/passwd']]);
  guarding.beat(leaseOf(60_000));
  await until(() => heard.some((line) => line.startsWith('failed: ')), 'the failure');
  expect(heard).not.toContain('armed');
});

it.runIf(isRoot)(
  'guard and init get the highest priority, and the command that of lockex',
  async () => {
    const command = { kind: 'shell', line: 'sleep 200' } as const;
    const { run, supervisor } = supervise({ command });
    const first = await run();
    expect(getPriority(await standingGuard(supervisor))).toBe(-20);
    await until(() => getPriority(readProcess(first)?.parent ?? 0) === -20, 'the init');
    expect(getPriority(first)).toBe(getPriority());
  },
);
