/**
 * The cold standby of docs/supervisord.md, with its own configuration: two supervisords as two hosts,
 * one redis with one data file. Two that run at once would meet at the port, and say so in their log.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, TestRunner } from 'vitest';
import { freePort } from '../../scripts/servers/loopback.ts';
import { contentOf, PROGRAM, temporaryFolder } from '../e2e/program.ts';
import { gone } from '../support/processes.ts';
import { type Supervisord, startSupervisord } from '../support/supervisord.ts';
import { type Server, startServer } from '../support/zookeeper.ts';

const SECTION = readFileSync(
  fileURLToPath(new URL('../../docs/examples/supervisord.conf', import.meta.url)),
  'utf8',
);
const PATIENCE_MS = 60_000;

/** Who serves, and on which host. */
interface Serving {
  readonly redis: number;
  readonly lockex: number;
  readonly host: Supervisord;
  readonly other: Supervisord;
}

interface Site {
  readonly server: Server;
  /** Until somebody else than that one serves, or anybody. */
  serves(before?: Serving): Promise<Serving>;
  /** Times are counted from here. */
  faultNow(): void;
  command(text: string): Promise<string | null>;
  log(): string;
}

async function twoHosts(): Promise<Site> {
  const server = await startServer({ tickTime: 500, maxSessionTimeout: 120_000 });
  onTestFinished(() => server.stop());
  const directory = temporaryFolder();
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
    serves: async (before) => {
      const deadline = performance.now() + PATIENCE_MS;
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
        if (performance.now() > deadline) throw new Error(`nobody serves: ${contentOf(log)}`);
        await pause(10);
      }
    },
  };
}

/** A redis command; null while nobody answers. */
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

/** Whatever happened: the data is there, and no two ever met. */
async function allIsWell(site: Site): Promise<void> {
  // A redis that has just been started reads its file first.
  await expect.poll(() => site.command('GET key'), { timeout: 20_000 }).toContain('value');
  expect(site.log()).not.toMatch(/already in use|Failed listening|AOF.*(corrupt|truncated)/i);
}

/** Somebody serves, the other host stands by, and the store holds something. */
async function started(): Promise<{ site: Site; first: Serving }> {
  const site = await twoHosts();
  const first = await site.serves();
  expect(await site.command('SET key value')).toContain('OK');
  for (const host of [first.host, first.other]) await host.says('RUNNING');
  return { site, first };
}

describe('two hosts under supervisord', () => {
  it('SIGTERM to the holder: the other one serves, and the first stands by again', async () => {
    const { site, first } = await started();
    site.faultNow();
    process.kill(first.lockex, 'SIGTERM');
    const second = await site.serves(first);
    expect(second.host).toBe(first.other);
    await gone(first.lockex);
    await first.host.says('RUNNING');
    await allIsWell(site);
  });

  it('supervisorctl stop, and start', async () => {
    const { site, first } = await started();
    site.faultNow();
    expect((await first.host.control('stop', 'redis')).stdout).toContain('redis: stopped');
    const second = await site.serves(first);
    expect(second.host).toBe(first.other);
    await first.host.says('STOPPED');
    await gone(first.redis);
    expect((await first.host.control('start', 'redis')).stdout).toContain('redis: started');
    expect((await site.serves()).redis).toBe(second.redis);
    await allIsWell(site);
  });

  it('supervisorctl restart', async () => {
    const { site, first } = await started();
    site.faultNow();
    expect((await first.host.control('restart', 'redis')).stdout).toContain('redis: started');
    const second = await site.serves(first);
    expect(second.host).toBe(first.other);
    await allIsWell(site);
  });

  it('redis crashes', async () => {
    const { site, first } = await started();
    site.faultNow();
    process.kill(first.redis, 'SIGKILL');
    const second = await site.serves(first);
    expect(second.host).toBe(first.other);
    await first.host.says('RUNNING');
    await allIsWell(site);
  });

  it('lockex is SIGKILLed: redis with it, and nobody waits for the session timeout', async () => {
    const { site, first } = await started();
    site.faultNow();
    process.kill(first.lockex, 'SIGKILL');
    const second = await site.serves(first);
    expect(second.host).toBe(first.other);
    await gone(first.redis);
    await first.host.says('RUNNING');
    await allIsWell(site);
  });

  it('supervisord is SIGKILLed: its redis goes on, and a new supervisord stands by', async () => {
    const { site, first } = await started();
    onTestFinished(() => {
      // Whatever went wrong: it is nobody's child by then.
      if (parentOf(first.lockex) > 0) process.kill(first.lockex, 'SIGTERM');
    });
    await first.host.kill();
    expect(await site.command('PING')).toContain('PONG');
    await first.host.start();
    await first.host.says('RUNNING');
    expect(await site.command('INFO server')).toContain(`process_id:${first.redis}\r`);
    // The old lockex is nobody's child now; it obeys a signal all the same.
    site.faultNow();
    process.kill(first.lockex, 'SIGTERM');
    await site.serves(first);
    await allIsWell(site);
  });

  it('ZooKeeper is restarted: redis goes on', async () => {
    const { site, first } = await started();
    await site.server.restart();
    await pause(2000);
    expect(await site.command('INFO server')).toContain(`process_id:${first.redis}\r`);
    await allIsWell(site);
  });
});
