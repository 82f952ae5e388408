/**
 * `npm run screenshots`: docs/inspector-running.png and docs/inspector-suspended.png, of a real run
 * on a private server, in Debian's Chromium.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { runScript } from '../lib/main.js';
import { ensureBuild, provision } from '../servers/provision.ts';
import { startServer } from '../servers/zookeeper.ts';

const LOCKEX = fileURLToPath(new URL('../../dist/lockex.js', import.meta.url));
const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));
const SIZE = { width: 1440, height: 1060 };
const LIFE_MS = 120_000;

await runScript(async () => {
  await provision(['zookeeper', 'chromium']);
  await ensureBuild();
  const server = await startServer({ tickTime: 2000 });
  const proxy = await startProxy(server.port);
  const lockex = (hosts: string, ...options: string[]) => {
    const argv = ['-z', hosts, '-i', 'redis', '-T', '20', '--log-format', 'json', ...options];
    return spawn(LOCKEX, [...argv, '--', 'sleep', '600'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: LIFE_MS,
    });
  };
  const holder = lockex(`127.0.0.1:${proxy.port}`, '--inspect');
  const executablePath = '/usr/bin/chromium';
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  const standbys: ReturnType<typeof lockex>[] = [];
  try {
    const url = await urlIn(holder);
    const page = await browser.newPage({ viewport: SIZE });
    await page.goto(url);
    await page.locator('[id="state-running"].on').waitFor();
    for (const place of [1, 2]) {
      standbys.push(lockex(server.connectString));
      await page.locator('#queue tbody tr', { hasText: `${place}.` }).waitFor();
    }
    await page.screenshot({ path: `${DOCS}inspector-running.png` });
    proxy.cut();
    await page.locator('[id="state-suspended.running"].on').waitFor();
    // The picture shows a lease that has partly elapsed.
    await page.waitForTimeout(2500);
    await page.screenshot({ path: `${DOCS}inspector-suspended.png` });
  } finally {
    await browser.close();
    for (const program of [holder, ...standbys]) {
      program.kill('SIGTERM');
      await once(program, 'exit');
    }
    proxy.end();
    await server.stop();
  }
  process.stdout.write('docs/inspector-running.png, docs/inspector-suspended.png\n');
  return 0;
});

async function urlIn(program: ChildProcess) {
  let output = '';
  for await (const chunk of program.stderr ?? []) {
    output += chunk;
    const [, url] = /"url":"([^"]+)"/.exec(output) ?? [];
    if (url) {
      program.stderr?.resume();
      return url;
    }
  }
  throw new Error(`lockex logged no URL: ${output}`);
}

/** A connection to the server that can be cut: then no data passes any more. */
async function startProxy(port: number) {
  let isCut = false;
  const sockets: Set<Socket> = new Set();
  const listener = createServer((client) => {
    if (isCut) return void client.destroy();
    const far = connect(port, '127.0.0.1');
    for (const socket of [client, far]) sockets.add(socket.on('error', () => {}));
    client.pipe(far).pipe(client);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const end = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (listener.address() as AddressInfo).port,
    cut: () => {
      isCut = true;
      end();
    },
    end: () => {
      end();
      listener.close();
    },
  };
}
