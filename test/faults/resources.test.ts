/**
 * A resource is exhausted while the lock is held: of lockex, of its guard, of its init or of all of
 * them, while the command runs, while the connection is lost and while the command is stopped. The
 * limits are real ones, set on running processes: prlimit(2) and the controllers of cgroups(7). A
 * standby waits in each test, and the journal of both commands is judged. docs/resources.md has the
 * table.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { logOf, PROGRAM, startLockex, temporaryFolder } from '../e2e/program.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import {
  LimitedGroup,
  leaveNoDescriptor,
  limitedGroup,
  limitProcess,
  USED_UP_A_SECOND,
} from '../support/limits.ts';
import { guardsOf, initsOf } from '../support/process-list.ts';
import { until } from '../support/until.ts';
import { sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';
import { type Duel, duel, type Side } from './duel.ts';

/** Seconds. */
const T = 4;
/** For what goes on: long enough for a busy host. */
const LONG_T = 60;
/** Its runtime needs new threads at times, and aborts where it gets none. */
const isStandalone = !PROGRAM.endsWith('.js');
/** The other cells of the table: LOCKEX_ALL_RESOURCES=1 npm run test:faults. */
const more = it.runIf(process.env['LOCKEX_ALL_RESOURCES'] === '1');

const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

async function proxiedDuel(
  timeout = T,
  holding: Partial<Side> = {},
  waiting: Partial<Side> = {},
): Promise<{ proxy: FaultProxy; of: Duel }> {
  const { host, port } = sharedServer();
  const { chroot, connectString } = await sharedServerWithChroot();
  const proxy = await startFaultProxy(host, port);
  onTestFinished(() => proxy.close());
  const hosts = `${proxy.connectString}${chroot}`;
  const standby = { hosts: connectString, timeout, ...waiting };
  const of = await duel({ hosts, timeout, ...holding }, standby);
  return { proxy, of };
}

function groupWith(controller: 'memory' | 'pids' | 'any', { skip }: TestContext): LimitedGroup {
  const group = limitedGroup(controller);
  return group instanceof LimitedGroup ? group : skip(group.reason);
}

function pidOf(of: Duel): number {
  return of.holder.pid ?? 0;
}

function initPid(of: Duel, { skip }: TestContext): number {
  return initsOf(pidOf(of))[0]?.pid ?? skip('the command has no init on this host');
}

/** Another guard than the first one guards the holder's command. */
async function untilGuardReplaced(of: Duel): Promise<void> {
  const isReplaced = () => guardsOf(pidOf(of)).some(({ pid }) => pid !== of.holderGuard);
  await until(isReplaced, 'another guard');
}

/** lockex ended by itself, with one line that says why. */
async function saysWhy(of: Duel, reason: RegExp): Promise<void> {
  const lines = logOf(await of.holder.ended);
  expect(lines.at(-1)).toMatchObject({ level: 'error', state: 'done' });
  expect(lines.at(-1)?.['message']).toMatch(reason);
}

/** On the way it was never suspended, and no guard was lost. */
function wentOn(of: Duel): void {
  expect(of.holder.stderr).not.toMatch(/"state":"suspended|"level":"error"/);
}

describe('no descriptor is left', () => {
  it('to lockex: the command runs for longer than the lease, and is stopped', async () => {
    const { of } = await proxiedDuel();
    leaveNoDescriptor(pidOf(of));
    await pause(1250 * T);
    wentOn(of);
    await of.endsUnharmed();
  });

  it('to lockex, and the connection is reset: the command is stopped in time', async () => {
    const { of, proxy } = await proxiedDuel();
    leaveNoDescriptor(pidOf(of));
    // The standalone executable has its socket back for the next connection; Node needs more.
    await proxy.refuse();
    of.fault();
    proxy.reset();
    await of.handsOver(124);
    await saysWhy(of, /./);
  });

  it('to lockex for a while: it reconnects as soon as there are descriptors again', async () => {
    const auth = `${temporaryFolder()}/auth`;
    writeFileSync(auth, 'user:password\n', { mode: 0o600 });
    const options = ['--auth-file', auth, '--acl', 'open'];
    const { of, proxy } = await proxiedDuel(LONG_T, { options }, { options });
    limitProcess(pidOf(of), { nofile: '3:' });
    proxy.reset();
    await of.holder.line(/"state":"suspended/, 'stderr');
    await pause(2000);
    limitProcess(pidOf(of), { nofile: '1000:' });
    await of.survives();
  });

  more('to lockex, which is then SIGKILLed: the guard ends the command', async () => {
    const { of } = await proxiedDuel(LONG_T);
    leaveNoDescriptor(pidOf(of));
    of.fault('kill');
    of.holder.signal('SIGKILL');
    await of.handsOver();
  });

  it('to lockex, which loses its guard: it stops the command, and says so', async () => {
    const { of } = await proxiedDuel(LONG_T);
    leaveNoDescriptor(pidOf(of));
    of.fault();
    process.kill(of.holderGuard, 'SIGKILL');
    await of.handsOver(125);
    await saysWhy(of, /EMFILE/);
  });

  it('to the guard: another guard replaces it', async () => {
    const { of } = await proxiedDuel();
    limitProcess(of.holderGuard, { nofile: '3:' });
    await untilGuardReplaced(of);
    of.fault('kill');
    of.holder.signal('SIGKILL');
    await of.handsOver();
  });

  more('to the init, and lockex is SIGKILLed: the command ends', async (context) => {
    const { of } = await proxiedDuel(LONG_T, { mode: 'loner' });
    limitProcess(initPid(of, context), { nofile: '3:' });
    of.fault('kill');
    of.holder.signal('SIGKILL');
    await of.handsOver();
  });

  more('to lockex while it stops a command that ignores SIGTERM: it is killed', async () => {
    const { of } = await proxiedDuel(LONG_T, { mode: 'stubborn', options: ['--kill-after', '2'] });
    of.fault();
    of.holder.signal('SIGTERM');
    await of.holder.line(/"state":"cleanup/, 'stderr');
    leaveNoDescriptor(pidOf(of));
    await of.handsOver(137);
  });
});

describe('no process and no thread can be created', () => {
  /** The standalone executable may abort at any moment then: its guard ends the command. */
  const status = (code: number) => (isStandalone ? undefined : code);

  more(
    'the command runs for longer than the lease, and is stopped; hooks fail',
    async (context) => {
      const group = groupWith('pids', context);
      const { of } = await proxiedDuel(T, {
        through: group.entering,
        options: ['--on-state', 'true'],
      });
      group.limitProcesses(1);
      await pause(1250 * T);
      if (!isStandalone) wentOn(of);
      of.holder.signal('SIGTERM');
      await of.standbyRuns();
      group.limitProcesses('max');
      await of.handsOver(status(143));
      if (!isStandalone) expect(of.holder.stderr).toMatch(/--on-state.*EAGAIN/);
    },
  );

  more('and the connection is silent: the command is stopped in time', async (context) => {
    const group = groupWith('pids', context);
    const { of, proxy } = await proxiedDuel(T, { through: group.entering });
    group.limitProcesses(1);
    of.fault();
    await proxy.blackhole('both');
    await of.standbyRuns();
    group.limitProcesses('max');
    await of.handsOver(status(124));
  });

  it('and lockex is SIGKILLed: the standby waits for T, since no reaper starts', async (context) => {
    const group = groupWith('pids', context);
    const { of } = await proxiedDuel(T, { through: group.entering });
    group.limitProcesses(1);
    of.fault('kill');
    of.holder.signal('SIGKILL');
    await of.standbyRuns();
    group.limitProcesses('max');
    await of.handsOver();
  });

  it('and lockex loses its guard: it stops the command, and says so', async (context) => {
    const group = groupWith('pids', context);
    const { of } = await proxiedDuel(T, { through: group.entering });
    group.limitProcesses(1);
    of.fault();
    process.kill(of.holderGuard, 'SIGKILL');
    await of.standbyRuns();
    group.limitProcesses('max');
    await of.handsOver(status(125));
    if (!isStandalone) await saysWhy(of, /EAGAIN/);
  });

  more('and lockex stops a command that ignores SIGTERM: it is killed', async (context) => {
    const group = groupWith('pids', context);
    const { of } = await proxiedDuel(T, {
      mode: 'stubborn',
      options: ['--kill-after', '2'],
      through: group.entering,
    });
    of.fault();
    of.holder.signal('SIGTERM');
    await of.holder.line(/"state":"cleanup/, 'stderr');
    group.limitProcesses(1);
    await of.standbyRuns();
    group.limitProcesses('max');
    await of.handsOver(status(137));
  });
});

describe('memory', () => {
  /** The kernel's OOM killer ends this process as soon as it needs another page. */
  const exhaustMemoryOf = (pid: number, group: LimitedGroup) => {
    group.limitMemory(4096);
    group.enter(pid);
  };

  it('of lockex: the guard ends the command', async (context) => {
    const group = groupWith('memory', context);
    const { of } = await proxiedDuel(LONG_T, { mode: 'loner' });
    of.fault('kill');
    exhaustMemoryOf(pidOf(of), group);
    await of.handsOver();
    expect((await of.holder.ended).signal).toBe('SIGKILL');
  });

  it('of the guard: another guard replaces it', async (context) => {
    const group = groupWith('memory', context);
    const { of } = await proxiedDuel();
    exhaustMemoryOf(of.holderGuard, group);
    await untilGuardReplaced(of);
    await of.endsUnharmed();
  });

  it('of the init: lockex kills the command', async (context) => {
    const group = groupWith('memory', context);
    const { of } = await proxiedDuel(LONG_T, { mode: 'loner' });
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
      const fillAt = `${temporaryFolder()}/now`;
      const preload = fileURLToPath(new URL('../support/fill-heap.cjs', import.meta.url));
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

describe('CPU time', () => {
  more('of lockex: SIGXCPU ends it, and the guard ends the command', async () => {
    const { of } = await proxiedDuel(LONG_T, { through: USED_UP_A_SECOND });
    of.fault('kill');
    limitProcess(pidOf(of), { cpu: '1:' });
    await of.handsOver();
    expect((await of.holder.ended).signal).toBe('SIGXCPU');
  });
});

describe('processes of its user', () => {
  more('as an ordinary user: the command is stopped all the same', async (context) => {
    if (process.getuid?.() !== 0) context.skip('not root');
    const { connectString } = await sharedServerWithChroot();
    const words = [
      '-z',
      connectString,
      '-i',
      'x',
      '--on-state',
      'true',
      '--',
      'echo up; read line',
    ];
    const holder = startLockex(words, { through: AS_NOBODY });
    await holder.line(/^up$/);
    const standby = startLockex(words, { through: AS_NOBODY });
    await standby.line(/"queue":/, 'stderr');
    const { pid = 0 } = holder;
    const others = [...guardsOf(pid), ...initsOf(pid)].map((process) => process.pid);
    // By the user itself: another one needs CAP_SYS_RESOURCE (prlimit(2)).
    for (const each of [pid, ...others]) limitProcess(each, { nproc: '1:' }, AS_NOBODY);
    holder.signal('SIGTERM');
    const { status, stderr } = await holder.ended;
    if (!isStandalone) {
      expect(status).toBe(143);
      expect(stderr).toMatch(/--on-state.*EAGAIN/);
    }
    await standby.line(/^up$/);
    standby.signal('SIGTERM');
    expect((await standby.ended).status).toBe(143);
  });
});
