/**
 * No file descriptor is left while the lock is held: to lockex, to its guard or to its init. The
 * limit is lowered on the running process (prlimit(2)). docs/resources.md has the table.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { temporaryDirectory } from '../../e2e/program.ts';
import { leaveNoDescriptor, limitProcess } from '../../support/limits.ts';
import {
  initPid,
  LONG_T,
  more,
  pidOf,
  proxiedDuel,
  RENEWED_T,
  saysWhy,
  tappedDuel,
  untilGuardReplaced,
} from './limited.ts';

describe('no descriptor is left', () => {
  it('to lockex: it goes on renewing its lease, and stops the command on request', async () => {
    const { of, untilRenewed } = await tappedDuel();
    leaveNoDescriptor(pidOf(of));
    await untilRenewed();
    await of.endsUnharmed();
  });

  it('to lockex, and the connection is reset: the command is stopped in time', async () => {
    const { of, proxy } = await proxiedDuel();
    // Below all open ones: not even the descriptor of the lost connection can be used again.
    limitProcess(pidOf(of), { nofile: '3:' });
    of.fault();
    proxy.reset();
    await of.handsOver(124);
    await saysWhy(of, /./);
  });

  it('to lockex for a while: it reconnects as soon as there are descriptors again', async () => {
    const auth = `${temporaryDirectory()}/auth`;
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
    const { of } = await proxiedDuel(RENEWED_T);
    limitProcess(of.holderGuard, { nofile: '3:' });
    await untilGuardReplaced(of);
    of.fault('kill');
    of.holder.signal('SIGKILL');
    await of.handsOver();
  });

  more('to the init, and lockex is SIGKILLed: the command ends', async (context) => {
    const { of } = await proxiedDuel(LONG_T, { mode: 'detached' });
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
