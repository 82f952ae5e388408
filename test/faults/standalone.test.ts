/** Faults of lockex itself and of a single server. Each test shows how its fault is injected. */
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
  temporaryDirectory,
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
/** Options for a standby whose server is unavailable for a while. */
const PATIENT = ['-r', '9', '-R', '99'];

/** The holder connects to the shared server through a proxy, the standby directly. */
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

/** A duel on a separate server. */
async function duelOnServer(holding: Partial<Side> = {}): Promise<{ server: Server; of: Duel }> {
  const server = await startServer({ tickTime: 500 });
  onTestFinished(() => server.stop());
  const side = { hosts: server.connectString, timeout: T };
  return { server, of: await duel({ ...side, ...holding }, { ...side, options: PATIENT }) };
}

describe('lockex', () => {
  it.each(['background', 'detached'] as const)(
    'SIGKILLed: all processes are dead at once, and the standby does not wait for T (%s)',
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

  it('SIGSTOPped permanently: the guard kills the command before the lease ends', async () => {
    const { of } = await proxiedDuel();
    of.fault();
    of.holder.signal('SIGSTOP');
    await of.standbyRuns();
    of.holder.signal('SIGCONT');
    await of.handsOver(124);
  });

  it('with a permanently blocked event loop: the guard kills the command before the lease ends', async () => {
    // The fault: the next write of a trace into a pipe without a reader blocks.
    const trace = `${temporaryDirectory()}/trace`;
    execFileSync('mkfifo', [trace]);
    // Also open for writing, so that the reader never sees an end of file.
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

  it('SIGSTOPped for a moment: continues with a renewed lease', async () => {
    const { of } = await proxiedDuel(60);
    of.holder.signal('SIGSTOP');
    // Longer than a renewal may be late (T/6 + T/10), shorter than the lease tolerates (23 s).
    await pause(17_000);
    of.holder.signal('SIGCONT');
    await of.survives();
  });

  it('crashed by an unexpected exception: as after SIGKILL, with one line of log', async () => {
    const { connectString } = await sharedServerWithChroot();
    const crashAt = `${temporaryDirectory()}/now`;
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
    expect(stderr).toContain('lockex failed: unexpected exception');
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

  it('silent, and held data arrives at the end', async () => {
    const { proxy, of } = await proxiedDuel();
    of.fault();
    await proxy.blackhole('both', { bytes: 'hold' });
    await of.standbyRuns();
    await proxy.pass();
    await of.handsOver(124);
  });

  it('slow: a delay much shorter than T does not suspend lockex', async () => {
    const { proxy, of } = await proxiedDuel(40);
    await proxy.delay(200);
    await pause(6000);
    expect(of.holder.stderr).not.toContain('suspended');
    await of.endsUnharmed();
  });

  it('reset repeatedly', async () => {
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

  it('half open: new connections are accepted and never answered, and the old one is reset', async () => {
    const { proxy, of } = await proxiedDuel();
    of.fault();
    await proxy.stallNew();
    proxy.reset();
    await of.handsOver(124);
  });
});

describe('a silent connection while', () => {
  it('the command is being stopped: --kill-after ends with the lease, and its status is passed on', async () => {
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

  it('the lock is being released: the status is passed on, and the node expires', async () => {
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

  it('lockex waits: it starts nothing, and the queue continues without it', async () => {
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
  it('silence, and lockex SIGKILLed: the reaper cannot reach the server, and the session expires', async () => {
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

  it('the guard SIGKILLed, and silence: another guard replaces it, and lockex stops the command', async () => {
    const { proxy, of } = await proxiedDuel();
    process.kill(of.holderGuard, 'SIGKILL');
    of.fault();
    await proxy.blackhole('both');
    await of.handsOver(124);
  });

  it('a hanging server, and lockex SIGKILLed', async () => {
    const { server, of } = await duelOnServer();
    await server.pause();
    of.fault('kill');
    of.holder.signal('SIGKILL');
    await gone(of.holderPid);
    server.resume();
    await of.handsOver();
  });

  it('an escaped command that ignores TERM, and silence', async () => {
    const { proxy, of } = await proxiedDuel(T, { mode: 'detached' });
    of.fault();
    await proxy.blackhole('both');
    await of.handsOver(124);
  });
});

describe('the server', () => {
  it('hanging for a while: the command is dead before the standby acquires the lock', async () => {
    const { server, of } = await duelOnServer();
    of.fault();
    await server.pause();
    expect((await of.holder.ended).status).toBe(124);
    expect(await isAlive(of.holderPid)).toBe(false);
    server.resume();
    await of.handsOver(124);
  });

  it('down for longer than the session timeout', async () => {
    const { server, of } = await duelOnServer();
    of.fault();
    await server.kill();
    expect((await of.holder.ended).status).toBe(124);
    await server.restart();
    await of.handsOver(124);
  });
});

/** A holder that exits when it reads a line, a waiter behind it, and a session to change nodes. */
async function queuedBehindOne(command: string) {
  const { connectString, chroot } = await sharedServerWithChroot();
  const argv = ['-z', connectString, '-i', 'n', '-T', '10', '--'];
  const holder = startLockex([...argv, 'echo up; read line']);
  await holder.line(/^up$/);
  const waiter = startLockex([...argv, command]);
  await untilQueued(waiter);
  return { holder, waiter, admin: await openSession(sharedServer(), chroot) };
}

describe('the node of a contender', () => {
  it('deleted by an admin: the command is killed at once, and lockex logs the cause', async () => {
    const server = await startServer({ tickTime: 500, maxSessionTimeout: 10_000_000 });
    onTestFinished(() => server.stop());
    const script = "trap '' TERM; echo $LOCKEX_LOCK_PATH; while :; do sleep 0.1; done";
    // The lease is renewed only every three minutes: the watch reports the deletion.
    const args = ['-z', server.connectString, '-i', 'n', '-T', '3000', '--kill-after', '600'];
    const holder = startLockex([...args, '--', script]);
    const path = await holder.line(/^\//);
    const admin = await openSession(server);
    await admin.remove(path);
    expect(await untilState(holder, 'lost')).toMatchObject({ cause: 'nodeGone' });
    // It ignores TERM and --kill-after is long: only an immediate SIGKILL ends it.
    const { status, stderr } = await holder.ended;
    expect(status).toBe(124);
    expect(logOf({ stderr }).at(-1)).toMatchObject({ state: 'done' });
  });

  it('deleted while it waits: it queues again at the end, and acquires the lock later', async () => {
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

  it('deleted and created again by another client while it waits: lockex does not use it', async () => {
    const { holder, waiter, admin } = await queuedBehindOne('echo never');
    const own = (await admin.getChildren('/lockex/n')).find((name) => name.endsWith('1')) ?? '';
    // lockex sees both changes at once.
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
