/** Faults of lockex itself and of a single server. Each test describes how its fault is made. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CreateMode } from '../../src/zookeeper/client.ts';
import {
  logOf,
  runLockex,
  startLockex,
  temporaryFolder,
  untilQueued,
  untilState,
} from '../e2e/program.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { gone, isAlive, startProgram, untilStopped } from '../support/processes.ts';
import { openSession } from '../support/session.ts';
import {
  type Server,
  sharedServer,
  sharedServerWithChroot,
  startServer,
} from '../support/zookeeper.ts';
import { type Duel, duel, type Side } from './duel.ts';

const T = 4;
/** For a standby whose server is unavailable for a while. */
const PATIENT = ['-r', '9', '-R', '99'];

/** The holder reaches the shared server through a proxy. */
async function proxiedDuel(
  timeout = T,
  holding: Partial<Side> = {},
): Promise<{ proxy: FaultProxy; of: Duel }> {
  const { host, port } = sharedServer();
  const { chroot, connectString } = await sharedServerWithChroot();
  const proxy = await startFaultProxy(host, port);
  onTestFinished(() => proxy.close());
  const hosts = `${proxy.connectString}${chroot}`;
  const of = await duel({ hosts, timeout, ...holding }, { hosts: connectString, timeout });
  return { proxy, of };
}

/** On a server of their own. */
async function duelOnServer(holding: Partial<Side> = {}): Promise<{ server: Server; of: Duel }> {
  const server = await startServer({ tickTime: 500 });
  onTestFinished(() => server.stop());
  const side = { hosts: server.connectString, timeout: T };
  return { server, of: await duel({ ...side, ...holding }, { ...side, options: PATIENT }) };
}

describe('lockex', () => {
  it.each(['family', 'loner'] as const)(
    'SIGKILLed: everything dead at once, and the standby does not wait for T (%s)',
    async (mode) => {
      const { of } = await proxiedDuel(30, { mode });
      of.fault('kill');
      const killedAt = performance.now();
      of.holder.signal('SIGKILL');
      await of.standbyRuns();
      expect(performance.now() - killedAt).toBeLessThan(20_000);
      await of.handsOver();
    },
  );

  it('SIGSTOPped for good: dead before the lease ends, by the guard', async () => {
    const { of } = await proxiedDuel();
    of.fault();
    of.holder.signal('SIGSTOP');
    await of.standbyRuns();
    of.holder.signal('SIGCONT');
    await of.handsOver(124);
  });

  it('its event loop blocked for good: dead before the lease ends, by the guard', async () => {
    // The fault: a trace into a pipe without a reader blocks the writer of the next line.
    const trace = `${temporaryFolder()}/trace`;
    execFileSync('mkfifo', [trace]);
    // Open for writing as well, so that the reader gets no end of file between two lines.
    const script = 'exec 3<>"$0"; echo open; exec cat <&3';
    const reader = startProgram('sh', ['-c', script, trace]);
    await reader.line(/^open$/);
    const { of } = await proxiedDuel(T, { env: { LOCKEX_TRACE: trace } });
    of.fault();
    reader.signal('SIGKILL');
    await of.standbyRuns();
    of.holder.signal('SIGKILL');
    await of.handsOver();
  });

  it('SIGSTOPped for a moment: continues, and proves the lease again', async () => {
    const { of } = await proxiedDuel(60);
    of.holder.signal('SIGSTOP');
    // Longer than a renewal may be late (T/6 + T/10), shorter than what the lease tolerates (23 s).
    await pause(17_000);
    of.holder.signal('SIGCONT');
    await of.survives();
  });

  it('crashed by an unexpected exception: the same as SIGKILL, with a line', async () => {
    const { connectString } = await sharedServerWithChroot();
    const crashAt = `${temporaryFolder()}/now`;
    const preload = fileURLToPath(new URL('../support/crash.cjs', import.meta.url));
    const env = {
      CRASH_AT: crashAt,
      NODE_OPTIONS: `--require=${preload}`,
      BUN_OPTIONS: `--preload=${preload}`,
    };
    const argv = ['-z', connectString, '--', 'echo $$; exec sleep 600'];
    const holder = startLockex(argv, { env });
    const pid = Number(await holder.line(/^\d+$/));
    writeFileSync(crashAt, '');
    const { status, stderr } = await holder.ended;
    expect(status).toBe(125);
    expect(stderr).toContain('lockex failed: nobody foresaw this');
    expect(stderr).not.toMatch(/\n\s+at /);
    await gone(pid);
  });
});

describe('the network', () => {
  it.each(['both', 'toServer', 'toClient'] as const)('silent (%s)', async (direction) => {
    const { proxy, of } = await proxiedDuel();
    of.fault();
    await proxy.blackhole(direction);
    await of.handsOver(124);
  });

  it('silent, and the bytes sent arrive in the end', async () => {
    const { proxy, of } = await proxiedDuel();
    of.fault();
    await proxy.blackhole('both', { bytes: 'hold' });
    await of.standbyRuns();
    await proxy.pass();
    await of.handsOver(124);
  });

  it('slow: a delay that is short compared with T suspends nothing', async () => {
    const { proxy, of } = await proxiedDuel(40);
    await proxy.delay(200);
    await pause(6000);
    expect(of.holder.stderr).not.toContain('suspended');
    await of.endsUnharmed();
  });

  it('reset again and again', async () => {
    const { proxy, of } = await proxiedDuel(60);
    for (let time = 0; time < 5; time += 1) {
      const before = proxy.counters.accepted;
      proxy.reset();
      await proxy.until(() => proxy.counters.accepted > before, 30_000);
    }
    await of.survives();
  });

  it('with a first host that accepts and never answers', async () => {
    const { host, port } = sharedServer();
    const { chroot, connectString } = await sharedServerWithChroot();
    const mute = await startFaultProxy(host, port);
    onTestFinished(() => mute.close());
    await mute.stallNew();
    const hosts = `${mute.connectString},${connectString.replace(chroot, '')}${chroot}`;
    for (let time = 0; time < 3; time += 1) {
      expect((await runLockex(['-z', hosts, '-T', '10', '-q', '--', 'true'])).status).toBe(0);
    }
  });

  it('half open: new connections are accepted but not answered, the old one is reset', async () => {
    const { proxy, of } = await proxiedDuel();
    of.fault();
    await proxy.stallNew();
    proxy.reset();
    await of.handsOver(124);
  });
});

describe('silent while', () => {
  it('the command is being stopped: its grace ends with the lease; its own status', async () => {
    const { proxy, of } = await proxiedDuel(T, {
      mode: 'stubborn',
      options: ['--kill-after', '600'],
    });
    of.holder.signal('SIGTERM');
    await untilState(of.holder, 'cleanup');
    of.fault();
    await proxy.blackhole('both');
    await of.handsOver(137);
  });

  it('the lock is being released: the command’s status; the session timeout releases it', async () => {
    const { host, port } = sharedServer();
    const { chroot, connectString } = await sharedServerWithChroot();
    const proxy = await startFaultProxy(host, port);
    onTestFinished(() => proxy.close());
    const argv = ['-z', `${proxy.connectString}${chroot}`, '-i', 'r', '-T', '4'];
    const holder = startLockex([...argv, '--', 'echo up; read line; exit 7']);
    await holder.line(/^up$/);
    const standby = startLockex(['-z', connectString, '-i', 'r', '-T', '4', '--', 'echo mine']);
    await standby.line(/"queue":/, 'stderr');
    await proxy.blackhole('both');
    holder.stdin.end('go\n');
    const { status, stderr } = await holder.ended;
    expect(status).toBe(7);
    expect(stderr).toMatch(/"level":"warn".*released when the session ends/);
    expect(await standby.ended).toMatchObject({ status: 0, stdout: 'mine\n' });
  });

  it('it waits: nothing is started, and the queue continues without it', async () => {
    const { host, port } = sharedServer();
    const { chroot, connectString } = await sharedServerWithChroot();
    const proxy = await startFaultProxy(host, port);
    onTestFinished(() => proxy.close());
    const holder = startLockex(['-z', connectString, '-i', 'w', '--', 'read line']);
    await untilState(holder, 'running');
    const argv = ['-i', 'w', '-T', '4', '--', 'echo mine'];
    const cutOff = startLockex(['-z', `${proxy.connectString}${chroot}`, ...argv]);
    await cutOff.line(/"queue":/, 'stderr');
    const next = startLockex(['-z', connectString, ...argv]);
    await next.line(/"queue":/, 'stderr');
    await proxy.blackhole('both');
    const { status, stdout } = await cutOff.ended;
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    holder.stdin.end('go\n');
    expect((await next.ended).stdout).toBe('mine\n');
  });
});

describe('two faults at once', () => {
  it('silence, and lockex SIGKILLed: the reaper reaches no server, the session times out', async () => {
    const { proxy, of } = await proxiedDuel();
    await proxy.blackhole('both');
    of.fault('kill');
    of.holder.signal('SIGKILL');
    await of.handsOver();
  });

  it('silence, and lockex SIGSTOPped', async () => {
    const { proxy, of } = await proxiedDuel();
    of.fault();
    await proxy.blackhole('both');
    of.holder.signal('SIGSTOP');
    await of.standbyRuns();
    of.holder.signal('SIGCONT');
    await of.handsOver(124);
  });

  it('the guard SIGKILLed, and silence: another guard, and lockex stops the command', async () => {
    const { proxy, of } = await proxiedDuel();
    process.kill(of.holderGuard, 'SIGKILL');
    of.fault();
    await proxy.blackhole('both');
    await of.handsOver(124);
  });

  it('the server hung, and lockex SIGKILLed', async () => {
    const { server, of } = await duelOnServer();
    await server.pause();
    of.fault('kill');
    of.holder.signal('SIGKILL');
    await gone(of.holderPid);
    server.resume();
    await of.handsOver();
  });

  it('the command ignores TERM and has escaped, and the connection falls silent', async () => {
    const { proxy, of } = await proxiedDuel(T, { mode: 'loner' });
    of.fault();
    await proxy.blackhole('both');
    await of.handsOver(124);
  });
});

describe('the server', () => {
  it('hung (SIGSTOP) and resumed: the command is dead before the lock changes hands', async () => {
    const { server, of } = await duelOnServer();
    of.fault();
    await server.pause();
    expect((await of.holder.ended).status).toBe(124);
    expect(await isAlive(of.holderPid)).toBe(false);
    server.resume();
    await of.handsOver(124);
  });

  it('restarted beyond the timeout', async () => {
    const { server, of } = await duelOnServer();
    of.fault();
    await server.kill();
    expect((await of.holder.ended).status).toBe(124);
    await server.restart();
    await of.handsOver(124);
  });
});

/**
 * A holder that ends when it reads a line, a waiter behind it, and a session with all permissions.
 */
async function queuedBehindOne(command: string) {
  const { connectString, chroot } = await sharedServerWithChroot();
  const argv = ['-z', connectString, '-i', 'n', '-T', '10', '--'];
  const holder = startLockex([...argv, 'echo up; read line']);
  await holder.line(/^up$/);
  const waiter = startLockex([...argv, command]);
  await untilQueued(waiter);
  return { holder, waiter, admin: await openSession(sharedServer(), chroot) };
}

describe('our node', () => {
  it('deleted by an admin: the command is killed at once, and lockex says why', async () => {
    const server = await startServer({ tickTime: 500, maxSessionTimeout: 10_000_000 });
    onTestFinished(() => server.stop());
    const script = "trap '' TERM; echo $LOCKEX_LOCK_PATH; while :; do sleep 0.1; done";
    // The lease is renewed only every three minutes: the watch reports the deletion.
    const argv = ['-z', server.connectString, '-i', 'n', '-T', '3000', '--kill-after', '600'];
    const holder = startLockex([...argv, '--', script]);
    const path = await holder.line(/^\//);
    const admin = await openSession(server);
    await admin.remove(path);
    expect(await untilState(holder, 'lost')).toMatchObject({ cause: 'nodeGone' });
    // It ignores TERM and has a long grace: only an immediate kill ends it now.
    const { status, stderr } = await holder.ended;
    expect(status).toBe(124);
    expect(logOf({ stderr }).at(-1)).toMatchObject({ state: 'done' });
  });

  it('deleted while we wait, next in line: we queue again, and get the lock later', async () => {
    const { holder, waiter, admin } = await queuedBehindOne('echo $LOCKEX_LOCK_PATH');
    const waiting = async () => {
      const names = await admin.getChildren('/lockex/n');
      return names.find((name) => !name.endsWith('0000000000'));
    };
    const first = await waiting();
    await admin.remove(`/lockex/n/${first}`);
    let second: string | undefined;
    while (second === undefined) second = await waiting();
    expect(second).not.toBe(first);
    holder.stdin.end('go\n');
    expect(await waiter.ended).toMatchObject({ status: 0, stdout: `/lockex/n/${second}\n` });
  });

  it('deleted, and created by another session while we wait: it is not ours', async () => {
    const { holder, waiter, admin } = await queuedBehindOne('echo never');
    const own = (await admin.getChildren('/lockex/n')).find((name) => name.endsWith('1')) ?? '';
    // So that it sees both at once.
    waiter.signal('SIGSTOP');
    await untilStopped(waiter.pid);
    await admin.remove(`/lockex/n/${own}`);
    await admin.create(`/lockex/n/${own}`, Buffer.alloc(0), { mode: CreateMode.EPHEMERAL });
    waiter.signal('SIGCONT');
    holder.stdin.end('go\n');
    expect((await holder.ended).status).toBe(0);
    expect(await waiter.ended).toMatchObject({ status: 125, stdout: '' });
  });
});
