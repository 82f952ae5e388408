/**
 * No process and no thread can be created while the lock is held: pids.max of a cgroup, and
 * RLIMIT_NPROC of an ordinary user. docs/resources.md has the table.
 */
import { describe, expect, it } from 'vitest';
import { startLockex } from '../../e2e/program.ts';
import { limitProcess } from '../../support/limits.ts';
import { guardsOf, initsOf } from '../../support/process-list.ts';
import { sharedServerWithChroot } from '../../support/zookeeper.ts';
import {
  groupWith,
  isStandalone,
  LONG_T,
  more,
  proxiedDuel,
  saysWhy,
  T,
  tappedDuel,
} from './limited.ts';

const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

describe('no process and no thread can be created', () => {
  /** The standalone executable may abort at any moment then: its guard ends the command. */
  const status = (code: number) => (isStandalone ? undefined : code);

  more('the lease is renewed, and the command stopped on request; hooks fail', async (context) => {
    const group = groupWith('pids', context);
    const options = ['--on-state', 'true'];
    const { of, untilRenewed } = await tappedDuel({ through: group.entering, options });
    group.limitProcesses(1);
    if (!isStandalone) await untilRenewed();
    of.fault();
    of.holder.signal('SIGTERM');
    await of.standbyRuns();
    group.limitProcesses('max');
    await of.handsOver(status(143));
    if (!isStandalone) expect(of.holder.stderr).toMatch(/--on-state.*EAGAIN/);
  });

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
    const { of } = await proxiedDuel(LONG_T, { through: group.entering });
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
    const { of } = await proxiedDuel(LONG_T, {
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

describe('processes of its user', () => {
  more('as an ordinary user: the command is stopped all the same', async (context) => {
    if (process.getuid?.() !== 0) context.skip('not root');
    const { connectString } = await sharedServerWithChroot();
    const args = ['-z', connectString, '-i', 'x', '--on-state', 'true', '--', 'echo up; read line'];
    const holder = startLockex(args, { through: AS_NOBODY });
    await holder.line(/^up$/);
    const standby = startLockex(args, { through: AS_NOBODY });
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
