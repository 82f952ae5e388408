import { chmodSync, chownSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { isStill } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import { cleanUp, hold, leaseOf, onCleanUp, pidIn, temporaryDirectory } from '../harness.ts';
import {
  AS_NOBODY,
  INITS,
  isRemoved,
  isRoot,
  killLater,
  logsOf,
  NOBODY,
  openDirectory,
  rootOfCgroups,
} from './escape-helpers.ts';

afterEach(cleanUp);

describe.runIf(isRoot)('a process that lockex cannot signal', () => {
  /**
   * A real sudo that permits everything to the user `nobody`; only this sudo sees its rules
   * (mount).
   */
  function asNobodyWithSudo(): readonly string[] {
    const rules = join(temporaryDirectory(), 'sudoers');
    writeFileSync(rules, 'nobody ALL=(ALL) NOPASSWD: ALL\n');
    chmodSync(rules, 0o440);
    const script = 'mount --bind "$0" /etc/sudoers && exec "$@"';
    return ['/usr/bin/env', 'unshare', '-m', 'sh', '-c', script, rules, ...AS_NOBODY];
  }

  const job = (file: string, trap: string) =>
    `sudo -n sh -c 'trap "${trap}" TERM; echo $$ >${file}; while :; do sleep 0.1; done'`;

  async function sudoJob(trap: string, around = (line: string) => line, init = {}) {
    const directory = openDirectory();
    const [file, asked] = [join(directory, 'pid'), join(directory, 'asked')];
    const line = around(job(file, trap.replace('ASKED', asked)));
    const holder = await hold(
      { command: { kind: 'shell', line }, ...init },
      { through: asNobodyWithSudo() },
    );
    const command = await holder.run();
    const root = await pidIn(file);
    killLater(root);
    return { holder, command, root, asked };
  }

  it('is reported at the next renewal of the lease, with the remedy', async () => {
    const { holder, root } = await sudoJob(':');
    holder.send({ type: 'command.extend', lease: leaseOf(60_000) });
    await until(() => logsOf(holder).some((log) => log.includes('cannot signal')), 'the warning');
    const [warning = ''] = logsOf(holder).filter((log) => log.includes('cannot signal'));
    expect(warning).toMatch(/as root; lockex cannot signal it.*sudo lockex -- job/);
    process.kill(root.pid, 'SIGKILL');
  });

  it('is asked to end through sudo, even if the command has to be killed at once', async () => {
    const { holder, root, asked } = await sudoJob('touch ASKED; exit 3');
    holder.send({ type: 'command.stop', graceMs: 0, deadline: null });
    await holder.events.next('command.stopped');
    expect(isStill(root)).toBe(false);
    expect(existsSync(asked)).toBe(true);
  });

  it('that does not end keeps the lock', async () => {
    const { holder, root } = await sudoJob(':');
    holder.send({ type: 'command.stop', graceMs: 0, deadline: null });
    const { processes } = await holder.events.next('command.unkillable');
    expect(processes.join()).toContain(`[${root.pid}]`);
    expect(holder.events.types).not.toContain('command.stopped');
    process.kill(root.pid, 'SIGKILL');
    await holder.events.next('command.stopped');
  });

  it('is killed with its cgroup if that was delegated to lockex', async () => {
    const cgroup = mkdtempSync(join(rootOfCgroups(), 'delegated-'));
    onCleanUp(() => until(() => isRemoved(cgroup), 'the end of the cgroup'));
    for (const file of ['', 'cgroup.procs', 'cgroup.threads']) {
      chownSync(join(cgroup, file), NOBODY, NOBODY);
    }
    const directory = openDirectory();
    const file = join(directory, 'pid');
    const enter = ['sh', '-c', `echo 0 >${cgroup}/cgroup.procs && exec "$@"`, 'sh'];
    const holder = await hold(
      { command: { kind: 'shell', line: job(file, ':') } },
      { through: ['/usr/bin/env', ...enter, ...asNobodyWithSudo()] },
    );
    await holder.run();
    const root = await pidIn(file);
    killLater(root);
    holder.send({ type: 'command.stop', graceMs: 0, deadline: null });
    await holder.events.next('command.stopped');
    expect(isStill(root)).toBe(false);
    expect(logsOf(holder).join()).not.toContain('cannot signal');
  });

  /** Ignores SIGTERM. */
  const inBackground = (line: string) => `trap : TERM; ${line} & while :; do sleep 0.1; done`;

  it.each(INITS)('spares no process that lockex can kill, with %s: lockex', async (_init, init) => {
    const { holder, root } = await sudoJob(':', inBackground, init);
    holder.send({ type: 'command.stop', graceMs: 0, deadline: null });
    await holder.events.next('command.exited');
    expect(isStill(root)).toBe(true);
    expect(holder.events.types).not.toContain('command.stopped');
    process.kill(root.pid, 'SIGKILL');
    await holder.events.next('command.stopped');
  });

  it.each(INITS)(
    'spares no process that lockex can kill, with %s: the guard',
    async (_init, init) => {
      const { holder, command, root } = await sudoJob(':', inBackground, init);
      process.kill(holder.identity.pid, 'SIGKILL');
      await until(() => !isStill(command), 'the end of the first process');
      expect(isStill(root)).toBe(true);
    },
  );

  it('is asked to end through sudo by the guard', async () => {
    const { holder, root, asked } = await sudoJob('touch ASKED; exit 3');
    process.kill(holder.identity.pid, 'SIGKILL');
    await until(() => !isStill(root), 'the end of the job');
    expect(existsSync(asked)).toBe(true);
  });
});
