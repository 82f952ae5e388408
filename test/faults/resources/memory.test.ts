/**
 * Memory or CPU time is exhausted while the lock is held: the kernel's OOM killer, RLIMIT_AS, V8's
 * heap limit and RLIMIT_CPU. docs/resources.md has the table.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../e2e/program.ts';
import { type LimitedGroup, limitProcess, USED_UP_A_SECOND } from '../../support/limits.ts';
import {
  exhaustCpuTimeOf,
  groupWith,
  initPid,
  isStandalone,
  LONG_T,
  more,
  pidOf,
  proxiedDuel,
  RENEWED_T,
  T,
  untilGuardReplaced,
} from './limited.ts';

describe('memory', () => {
  /** The kernel's OOM killer ends this process as soon as it needs another page. */
  const exhaustMemoryOf = (pid: number, group: LimitedGroup) => {
    group.limitMemory(4096);
    group.enter(pid);
  };

  it('of lockex: the guard ends the command', async (context) => {
    const group = groupWith('memory', context);
    const { of } = await proxiedDuel(LONG_T, { mode: 'detached' });
    of.fault('kill');
    exhaustMemoryOf(pidOf(of), group);
    await of.handsOver();
    expect((await of.holder.ended).signal).toBe('SIGKILL');
  });

  it('of the guard: another guard replaces it', async (context) => {
    const group = groupWith('memory', context);
    const { of } = await proxiedDuel(RENEWED_T);
    exhaustMemoryOf(of.holderGuard, group);
    await untilGuardReplaced(of);
    await of.endsUnharmed();
  });

  it('of the init: lockex kills the command', async (context) => {
    const group = groupWith('memory', context);
    const { of } = await proxiedDuel(LONG_T, { mode: 'detached' });
    const init = initPid(of, context);
    of.fault();
    exhaustMemoryOf(init, group);
    // It needs none while nothing happens.
    process.kill(init, 40);
    await of.handsOver(137);
  });

  more('of the reaper: the standby waits for T', async (context) => {
    const group = groupWith('memory', context);
    const { of } = await proxiedDuel();
    // Enough for the guard, not for a runtime.
    group.limitMemory(8 * 1024 * 1024);
    group.enter(of.holderGuard);
    of.fault('kill');
    of.holder.signal('SIGKILL');
    await of.handsOver();
  });

  it('of all of them at once, as with memory.oom.group: the standby waits for T', async (context) => {
    const group = groupWith('any', context);
    const { of } = await proxiedDuel(T, { through: group.entering });
    of.fault('kill');
    // The kernel does the same to each process of the group (mem_cgroup_get_oom_group).
    group.killAll();
    await of.handsOver();
  });

  more('address space of lockex: it ends by itself, or goes on', async () => {
    const { of } = await proxiedDuel();
    limitProcess(pidOf(of), { as: '1:' });
    of.holder.signal('SIGTERM');
    await of.handsOver();
  });

  it.skipIf(isStandalone)(
    'of the heap: lockex aborts, and the guard ends the command',
    async () => {
      const fillAt = `${temporaryDirectory()}/now`;
      const preload = fileURLToPath(new URL('../../support/fill-heap.cjs', import.meta.url));
      const env = {
        FILL_HEAP_AT: fillAt,
        NODE_OPTIONS: `--require=${preload} --max-old-space-size=30`,
      };
      const { of } = await proxiedDuel(LONG_T, { env });
      of.fault('kill');
      writeFileSync(fillAt, '');
      await of.handsOver();
      expect((await of.holder.ended).signal).toBe('SIGABRT');
    },
  );
});

/** A second of CPU time can take long on a busy host. */
const LONG_MS = 180_000;

describe('CPU time', () => {
  more(
    'of lockex: SIGXCPU ends it, and the guard ends the command',
    async () => {
      const { of } = await proxiedDuel(LONG_T, { through: USED_UP_A_SECOND });
      of.fault('kill');
      expect((await exhaustCpuTimeOf(of.holder)).signal).toBe('SIGXCPU');
      await of.handsOver();
    },
    LONG_MS,
  );
});
