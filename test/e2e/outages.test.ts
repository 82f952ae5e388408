/**
 * Outages of one server, caused by a fault proxy or by stopping it: after a short one the command
 * still runs with the same pid; a long one ends it before the server can grant the lock to another
 * contender.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { isAlive } from '../support/processes.ts';
import { sharedServer, sharedServerWithChroot, startServer } from '../support/zookeeper.ts';
import { startLockex, untilState } from './program.ts';

const SERVICE = 'echo $$; while :; do sleep 0.1; done';

async function proxied(): Promise<{ proxy: FaultProxy; hosts: string; direct: string }> {
  const { host, port } = sharedServer();
  const { chroot, connectString } = await sharedServerWithChroot();
  const proxy = await startFaultProxy(host, port);
  onTestFinished(() => proxy.close());
  return { proxy, hosts: `${proxy.connectString}${chroot}`, direct: connectString };
}

/** A holder with T = 10 s tolerates an outage of about 3 s; with T = 60 s, of 25 s. */
async function running(hosts: string, timeout = 10) {
  const options = ['-v', '-T', String(timeout), '--kill-after', '0.5'];
  const holder = startLockex(['-z', hosts, '-i', 'o', ...options, '--', SERVICE]);
  const pid = Number(await holder.line(/^\d+$/));
  return { holder, pid };
}

async function stopped(holder: Awaited<ReturnType<typeof running>>['holder']) {
  holder.signal('SIGTERM');
  return (await holder.ended).status;
}

describe('a short outage leaves the command running', () => {
  it('when the connection is reset', async () => {
    const { proxy, hosts } = await proxied();
    const { holder, pid } = await running(hosts, 60);
    proxy.reset();
    await untilState(holder, 'suspended');
    await holder.line(/"state":"running".*reconnected/, 'stderr');
    expect(await isAlive(pid)).toBe(true);
    expect(await stopped(holder)).toBe(143);
  });

  it('when the server is restarted', async () => {
    const server = await startServer({ tickTime: 500, maxSessionTimeout: 120_000 });
    onTestFinished(() => server.stop());
    const { holder, pid } = await running(server.connectString, 60);
    await server.restart();
    await holder.line(/"state":"running".*reconnected/, 'stderr');
    expect(await isAlive(pid)).toBe(true);
    expect(await stopped(holder)).toBe(143);
  });
});

describe('a long outage ends the command before the server can grant the lock to another contender', () => {
  it.each(['both', 'toServer', 'toClient'] as const)(
    'if the connection is silent (%s)',
    async (direction) => {
      const { proxy, hosts, direct } = await proxied();
      const { holder, pid } = await running(hosts);
      const standby = startLockex([
        '-z',
        direct,
        '-i',
        'o',
        '-T',
        '10',
        '--',
        `kill -0 ${pid} 2>/dev/null && echo OVERLAP; echo taken`,
      ]);
      await standby.line(/"queue":/, 'stderr');
      await proxy.blackhole(direction);
      expect((await holder.ended).status).toBe(124);
      expect(await isAlive(pid)).toBe(false);
      expect((await standby.ended).stdout).toBe('taken\n');
    },
  );

  it('and kills a command that ignores TERM in time', async () => {
    const { proxy, hosts, direct } = await proxied();
    const script = "trap '' TERM; echo $$; while :; do sleep 0.1; done";
    const holder = startLockex(['-z', hosts, '-i', 'o', '-T', '6', '--', script]);
    const pid = Number(await holder.line(/^\d+$/));
    const standby = startLockex([
      '-z',
      direct,
      '-i',
      'o',
      '-T',
      '6',
      '--',
      `kill -0 ${pid} 2>/dev/null && echo OVERLAP; echo taken`,
    ]);
    await standby.line(/"queue":/, 'stderr');
    await proxy.blackhole('both');
    expect((await standby.ended).stdout).toBe('taken\n');
    expect((await holder.ended).status).toBe(124);
  });

  it('if the server stays stopped', async () => {
    const server = await startServer({ tickTime: 500 });
    onTestFinished(() => server.stop());
    const { holder, pid } = await running(server.connectString);
    await server.kill();
    expect((await holder.ended).status).toBe(124);
    expect(await isAlive(pid)).toBe(false);
  });
});

describe('a command that exits while the connection is silent', () => {
  it('keeps its status, and lockex does not wait for the session timeout', async () => {
    const { proxy, hosts } = await proxied();
    const args = ['-z', hosts, '-i', 'o', '-T', '60', '--', 'echo up; read line; exit 7'];
    const holder = startLockex(args);
    await holder.line(/^up$/);
    await proxy.blackhole('both');
    const began = performance.now();
    holder.stdin.end('go\n');
    const { status, stderr } = await holder.ended;
    expect(status).toBe(7);
    expect(stderr).toMatch(/"level":"warn".*released when the session ends/);
    // About five seconds; the deadline of a request would be 40.
    expect(performance.now() - began).toBeLessThan(30_000);
  });
});

describe('waiting', () => {
  it('survives a reset and keeps its position in the queue', async () => {
    const { proxy, hosts, direct } = await proxied();
    const { holder } = await running(direct, 60);
    const waiter = startLockex(['-z', hosts, '-i', 'o', '-T', '60', '--', 'echo mine']);
    await waiter.line(/"queue":/, 'stderr');
    const later = startLockex(['-z', direct, '-i', 'o', '-T', '60', '--', 'echo later']);
    await later.line(/"queue":/, 'stderr');
    proxy.reset();
    await waiter.line(/"state":"waiting".*reconnected/, 'stderr');
    holder.signal('SIGTERM');
    expect((await waiter.ended).stdout).toBe('mine\n');
    expect((await later.ended).stdout).toBe('later\n');
  });

  it('exits with 125 when its session is lost, and retries once with -r 2', async () => {
    const { proxy, hosts, direct } = await proxied();
    const { holder } = await running(direct, 60);
    const args = ['-z', hosts, '-i', 'o', '-T', '1'];
    const once = startLockex([...args, '--', 'true']);
    const twice = startLockex([...args, '-r', '2', '-R', '60', '--', 'echo mine']);
    for (const waiter of [once, twice]) await waiter.line(/"queue":/, 'stderr');
    await proxy.blackhole('both', { bytes: 'drop' });
    expect((await once.ended).status).toBe(125);
    await twice.line(/connecting again/, 'stderr');
    await proxy.pass();
    holder.signal('SIGTERM');
    await holder.ended;
    expect(await twice.ended).toMatchObject({ status: 0, stdout: 'mine\n' });
  });
});

describe('--on-lost rejoin', () => {
  it('waits for the lock again with a new session after the command has exited', async () => {
    const { proxy, hosts } = await proxied();
    const args = ['-z', hosts, '-i', 'o', '-T', '4', '-R', '60', '--on-lost', 'rejoin'];
    const script = 'echo $LOCKEX_FENCING_TOKEN $$; while :; do sleep 0.1; done';
    const program = startLockex([...args, '--', script]);
    const [token = '', pid] = (await program.line(/^\d+ \d+$/)).split(' ');
    await proxy.blackhole('both');
    await untilState(program, 'lost');
    await program.line(/connecting again/, 'stderr');
    expect(await isAlive(Number(pid))).toBe(false);
    await proxy.pass();
    const again = new RegExp(`^(?!${token} )\\d+ \\d+$`);
    const [newToken = ''] = (await program.line(again)).split(' ');
    expect(BigInt(newToken)).toBeGreaterThan(BigInt(token));
    program.signal('SIGTERM');
    expect((await program.ended).status).toBe(143);
  });
});
