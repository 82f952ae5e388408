/** Faults of lockex itself and of a single server. Each test says how its fault is made. */
import { rmSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runLockex, startLockex, temporaryFolder, untilState } from '../e2e/program.ts';
import { startFaultProxy } from '../support/faultProxy.ts';
import { startKazoo } from '../support/kazoo.ts';
import { gone } from '../support/processes.ts';
import { sharedServer, sharedServerWithChroot, startServer } from '../support/zookeeper.ts';
import { duel, expectHandover, expectSurvival } from './duel.ts';

const T = 4;

/** Each side reaches the shared server through a proxy of its own. */
async function proxiedDuel(timeout = T) {
  const { host, port } = sharedServer();
  const { chroot, connectString } = await sharedServerWithChroot();
  const proxy = await startFaultProxy(host, port);
  onTestFinished(() => proxy.close());
  const holding = { hosts: `${proxy.connectString}${chroot}`, timeout };
  return { proxy, of: await duel(holding, { hosts: connectString, timeout }) };
}

describe('lockex', () => {
  it('SIGKILLed: everything dead at once, and the standby does not wait for T', async () => {
    const { of } = await proxiedDuel(10);
    const killedAt = performance.now();
    of.holder.signal('SIGKILL');
    await expectHandover(of, null);
    expect(performance.now() - killedAt).toBeLessThan(8000);
  });

  it('SIGSTOPped for good: dead before the lease ends, by the guard', async () => {
    const { of } = await proxiedDuel();
    of.holder.signal('SIGSTOP');
    await expectHandover(of, null);
    of.holder.signal('SIGCONT');
    expect((await of.holder.ended).status).toBe(124);
  });

  it('SIGSTOPped for a moment: goes on, the lease proven anew', async () => {
    const { of } = await proxiedDuel(40);
    of.holder.signal('SIGSTOP');
    // Longer than two renewals (5.5 s), shorter than what the lease tolerates (15 s).
    await new Promise((resolve) => setTimeout(resolve, 6000));
    of.holder.signal('SIGCONT');
    await expectSurvival(of);
  });

  it('crashed by an exception that nobody foresaw: the same as SIGKILL, with a line', async () => {
    const { connectString } = await sharedServerWithChroot();
    const folder = temporaryFolder();
    // The fault: the trace can't be written any more.
    const env = { LOCKEX_TRACE: `${folder}/trace` };
    const words = ['-z', connectString, '--', 'echo $$; exec sleep 600'];
    const holder = startLockex(words, { env });
    const pid = Number(await holder.line(/^\d+$/));
    rmSync(folder, { recursive: true });
    const { status, stderr } = await holder.ended;
    expect(status).toBe(125);
    expect(stderr).toMatch(/lockex failed: .*ENOENT/);
    expect(stderr).not.toMatch(/\n\s+at /);
    await gone(pid);
  });
});

describe('the network', () => {
  it.each(['both', 'toServer', 'toClient'] as const)('silent (%s)', async (direction) => {
    const { proxy, of } = await proxiedDuel();
    await proxy.blackhole(direction);
    await expectHandover(of, 124);
  });

  it('silent, and what was sent arrives in the end', async () => {
    const { proxy, of } = await proxiedDuel();
    await proxy.blackhole('both', { bytes: 'hold' });
    await expectHandover(of, 124);
    await proxy.pass();
    of.expectNoOverlap();
  });

  it('slow: nothing is suspended for a delay that is short against T', async () => {
    const { proxy, of } = await proxiedDuel(40);
    await proxy.delay(200);
    await new Promise((resolve) => setTimeout(resolve, 6000));
    expect(of.holder.stderr).not.toContain('suspended');
    of.holder.signal('SIGTERM');
    await expectHandover(of, 143);
  });

  it('reset again and again', async () => {
    const { proxy, of } = await proxiedDuel(60);
    for (let time = 0; time < 5; time += 1) {
      const before = proxy.counters.accepted;
      proxy.reset();
      await proxy.until(() => proxy.counters.accepted > before, 30_000);
    }
    await expectSurvival(of);
  });

  it('with a first host that accepts and never answers', async () => {
    const { host, port } = sharedServer();
    const { chroot, connectString } = await sharedServerWithChroot();
    const mute = await startFaultProxy(host, port);
    onTestFinished(() => mute.close());
    await mute.stallNew();
    for (let time = 0; time < 3; time += 1) {
      const hosts = `${mute.connectString},${connectString.replace(chroot, '')}${chroot}`;
      expect((await runLockex(['-z', hosts, '-T', '10', '-q', '--', 'true'])).status).toBe(0);
    }
  });
});

describe('the server', () => {
  it('hung (SIGSTOP) and woken again: the command is dead before the lock changes hands', async () => {
    const server = await startServer({ tickTime: 500 });
    onTestFinished(() => server.stop());
    const side = { hosts: server.connectString, timeout: T };
    const of = await duel(side, { ...side, options: ['-r', '9', '-R', '99'] });
    await server.pause();
    expect((await of.holder.ended).status).toBe(124);
    await gone(of.holderPid);
    server.resume();
    await expectHandover(of, 124);
  });

  it('restarted beyond the timeout', async () => {
    const server = await startServer({ tickTime: 500 });
    onTestFinished(() => server.stop());
    const side = { hosts: server.connectString, timeout: T };
    const of = await duel(side, { ...side, options: ['-r', '9', '-R', '99'] });
    await server.kill();
    expect((await of.holder.ended).status).toBe(124);
    await server.restart();
    await expectHandover(of, 124);
  });
});

describe('our node', () => {
  it('deleted by an admin: the command is killed at once, and lockex says why', async () => {
    const server = await startServer({ tickTime: 500 });
    onTestFinished(() => server.stop());
    const holder = startLockex([
      '-z',
      server.connectString,
      '-i',
      'n',
      '-T',
      '10',
      '--kill-after',
      '600',
      '--',
      "trap '' TERM; echo $LOCKEX_LOCK_PATH; while :; do sleep 0.1; done",
    ]);
    const path = await holder.line(/^\//);
    const kazoo = await startKazoo(server.connectString);
    await kazoo.delete(path);
    expect(await untilState(holder, 'lost')).toMatchObject({ cause: 'nodeGone' });
    // It ignores TERM and has a long grace: only a kill at once ends it now.
    expect((await holder.ended).status).toBe(124);
  });
});
