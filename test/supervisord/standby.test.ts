/**
 * The cold standby of docs/supervisord.md with its configuration: two supervisords as two hosts,
 * and one redis with one data directory. Two redis servers at once would use the same port, and log
 * an error.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, TestRunner } from 'vitest';
import { freePort } from '../../scripts/servers/loopback.ts';
import { contentOf, PROGRAM, temporaryDirectory } from '../e2e/program.ts';
import { gone } from '../support/processes.ts';
import { type Supervisord, startSupervisord } from '../support/supervisord.ts';
import { type Server, startServer } from '../support/zookeeper.ts';

const SECTION = readFileSync(
  fileURLToPath(new URL('../../docs/examples/supervisord.conf', import.meta.url)),
  'utf8',
);
const TIMEOUT_MS = 60_000;

/** The redis that serves, its lockex, and its host. */
interface Serving {
  readonly redis: number;
  readonly lockex: number;
  readonly host: Supervisord;
  readonly other: Supervisord;
}

interface Site {
  readonly server: Server;
  /** Waits until a redis serves; with `before`, another one than that. */
  untilServing(before?: Serving): Promise<Serving>;
  /** Durations are measured from here. */
  faultNow(): void;
  command(text: string): Promise<string | null>;
  log(): string;
}

async function twoHosts(): Promise<Site> {
  const server = await startServer({ tickTime: 500, maxSessionTimeout: 120_000 });
  onTestFinished(() => server.stop());
  const directory = temporaryDirectory();
  const port = await freePort();
  mkdirSync(`${directory}/data`);
  const log = `${directory}/redis.log`;
  writeFileSync(
    `${directory}/redis.conf`,
    `bind 127.0.0.1\nport ${port}\ndir ${directory}/data\nappendonly yes\nappendfsync always\nlogfile ${log}\n`,
  );
  const section = SECTION.replace('command=lockex', `command=${PROGRAM}`)
    .replace('zk1:2181,zk2:2181,zk3:2181', `${server.connectString} -T 40`)
    .replace('/etc/redis/standby.conf', `${directory}/redis.conf`);
  const hosts = [
    await startSupervisord(`${directory}/a`, section),
    await startSupervisord(`${directory}/b`, section),
  ] as const;
  let faultAt = 0;
  const command = (text: string) => ask(port, text);
  return {
    server,
    command,
    log: () => contentOf(log),
    faultNow: () => {
      faultAt = performance.now();
    },
    untilServing: async (before) => {
      const deadline = performance.now() + TIMEOUT_MS;
      for (;;) {
        const info = (await command('INFO server')) ?? '';
        const redis = Number(/process_id:(\d+)/.exec(info)?.[1] ?? 0);
        // Its parent is the command's init.
        const lockex = parentOf(parentOf(redis));
        const host = hosts.find(({ pid }) => pid === parentOf(lockex));
        if (redis !== 0 && redis !== before?.redis && host !== undefined) {
          const after = `served again after ${Math.round(performance.now() - faultAt)} ms`;
          if (faultAt > 0) await TestRunner.getCurrentTest()?.context.annotate(after);
          const other = host === hosts[0] ? hosts[1] : hosts[0];
          return { redis, lockex, host, other };
        }
        if (performance.now() > deadline) throw new Error(`no redis serves: ${contentOf(log)}`);
        await pause(10);
      }
    },
  };
}

/** Sends a redis command; null if no redis answers. */
function ask(port: number, text: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${text}\r\nQUIT\r\n`));
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => resolve(null));
    socket.on('close', () => resolve(answer === '' ? null : answer));
    socket.setTimeout(5000, () => socket.destroy());
  });
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(contentOf(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** The data is intact, and there were never two redis servers at once. */
async function expectIntactData(site: Site): Promise<void> {
  // A redis that has just started loads its data first.
  await expect.poll(() => site.command('GET key'), { timeout: 20_000 }).toContain('value');
  expect(site.log()).not.toMatch(/already in use|Failed listening|AOF.*(corrupt|truncated)/i);
}

/** Starts two hosts: one serves, the other is the standby, and the store contains a value. */
async function startSite(): Promise<{ site: Site; first: Serving }> {
  const site = await twoHosts();
  const first = await site.untilServing();
  expect(await site.command('SET key value')).toContain('OK');
  for (const host of [first.host, first.other]) await host.says('RUNNING');
  return { site, first };
}

describe('two hosts under supervisord', () => {
  it('SIGTERM to the holder: the other host serves, and the first is the standby', async () => {
    const { site, first } = await startSite();
    site.faultNow();
    process.kill(first.lockex, 'SIGTERM');
    const second = await site.untilServing(first);
    expect(second.host).toBe(first.other);
    await gone(first.lockex);
    await first.host.says('RUNNING');
    await expectIntactData(site);
  });

  it('supervisorctl stop and start: the other host serves', async () => {
    const { site, first } = await startSite();
    site.faultNow();
    expect((await first.host.control('stop', 'redis')).stdout).toContain('redis: stopped');
    const second = await site.untilServing(first);
    expect(second.host).toBe(first.other);
    await first.host.says('STOPPED');
    await gone(first.redis);
    expect((await first.host.control('start', 'redis')).stdout).toContain('redis: started');
    expect((await site.untilServing()).redis).toBe(second.redis);
    await expectIntactData(site);
  });

  it('supervisorctl restart: the other host serves', async () => {
    const { site, first } = await startSite();
    site.faultNow();
    expect((await first.host.control('restart', 'redis')).stdout).toContain('redis: started');
    const second = await site.untilServing(first);
    expect(second.host).toBe(first.other);
    await expectIntactData(site);
  });

  it('redis crashes: the other host serves', async () => {
    const { site, first } = await startSite();
    site.faultNow();
    process.kill(first.redis, 'SIGKILL');
    const second = await site.untilServing(first);
    expect(second.host).toBe(first.other);
    await first.host.says('RUNNING');
    await expectIntactData(site);
  });

  it('SIGKILL of lockex: redis is killed, and the other host does not wait for the session timeout', async () => {
    const { site, first } = await startSite();
    site.faultNow();
    process.kill(first.lockex, 'SIGKILL');
    const second = await site.untilServing(first);
    expect(second.host).toBe(first.other);
    await gone(first.redis);
    await first.host.says('RUNNING');
    await expectIntactData(site);
  });

  it('SIGKILL of supervisord: its redis continues, and a new supervisord is the standby', async () => {
    const { site, first } = await startSite();
    onTestFinished(() => {
      // If the test failed: no supervisord stops it any more.
      if (parentOf(first.lockex) > 0) process.kill(first.lockex, 'SIGTERM');
    });
    await first.host.kill();
    expect(await site.command('PING')).toContain('PONG');
    await first.host.start();
    await first.host.says('RUNNING');
    expect(await site.command('INFO server')).toContain(`process_id:${first.redis}\r`);
    // The old lockex is an orphan, and still handles signals.
    site.faultNow();
    process.kill(first.lockex, 'SIGTERM');
    await site.untilServing(first);
    await expectIntactData(site);
  });

  it('ZooKeeper is restarted: redis continues', async () => {
    const { site, first } = await startSite();
    await site.server.restart();
    await pause(2000);
    expect(await site.command('INFO server')).toContain(`process_id:${first.redis}\r`);
    await expectIntactData(site);
  });
});
