/** The page of a real run with a real ZooKeeper, in a real browser. */
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { startLockex } from '../e2e/program.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';
import { openViewer, startBrowser, urlOf } from './browser.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

/** Starts lockex with `--inspect` on the shared server, through a proxy. */
async function startInspected(args: readonly string[]) {
  const { host, port } = sharedServer();
  const { chroot, connectString } = await sharedServerWithChroot();
  const proxy = await startFaultProxy(host, port);
  onTestFinished(() => proxy.close());
  const program = startLockex(['-z', `${proxy.connectString}${chroot}`, '--inspect', ...args]);
  const viewer = await openViewer(browser, await urlOf(program));
  return { program, proxy, viewer, connectString };
}

describe('a run', () => {
  it('is shown state by state from waiting to done, with its facts', async () => {
    const { connectString } = await sharedServerWithChroot();
    const args = ['-z', connectString, '-i', 'life', '-T', '10'];
    const holder = startLockex([...args, '--', 'read line']);
    await holder.line(/"state":"running"/, 'stderr');
    const program = startLockex([...args, '--inspect', '--', 'echo up; read line; exit 7']);
    const viewer = await openViewer(browser, await urlOf(program));
    const { page } = viewer;
    await viewer.shows('waiting');
    const facts = page.locator('#facts');
    await page.locator('#why', { hasText: 'next in the queue' }).waitFor();
    await page.locator('#queue tbody tr', { hasText: 'holds' }).waitFor();
    await page.locator('#queue tbody tr.own', { hasText: '1.' }).waitFor();

    holder.stdin.end('go\n');
    await viewer.shows('running');
    await facts.getByText('fencing token').waitFor();
    await facts.getByText(/^pid \d+$/).waitFor();
    await page.locator('#queue tbody tr.own', { hasText: 'holds' }).waitFor();
    await page.locator('#lease[data-level=good]').waitFor();
    await page.locator('#lease-text', { hasText: /left; stopping begins in .* unless/ }).waitFor();
    await page.locator('#why', { hasText: /^pid \d+ runs with fencing token \d+$/ }).waitFor();

    program.stdin.end('go\n');
    const end = 'exited with status 7: the command exited with 7';
    await page.locator('#why', { hasText: end }).waitFor();
    expect((await program.ended).status).toBe(7);
    await page.locator('#connection', { hasText: 'lockex has exited' }).waitFor();
    await page.locator('#queue-note', { hasText: 'no longer followed' }).waitFor();
    expect(await page.locator('#queue tbody tr').count()).toBe(0);
    // The lease is usually confirmed before the grant, unless the machine stalls.
    const states = (await viewer.states()).filter((state) => state !== 'locked.confirming');
    expect(states).toEqual([
      'connecting',
      'waiting',
      'locked.arming',
      'running',
      'cleanup.stopping',
      'cleanup.releasing',
      'cleanup.closing',
      'done',
    ]);
    expect(await page.locator('.step.was').allTextContents()).toEqual(
      expect.arrayContaining(['stop the command', 'release the lock', 'close the session']),
    );
    expect(await page.locator('.wire.taken').count()).toBe(5);
    expect(await page.locator('.wire.last').getAttribute('data-state')).toBe('done');
  });

  it('is shown through an outage and a loss, with a decreasing lease', async () => {
    const { program, proxy, viewer } = await startInspected([
      '-T',
      '6',
      '--',
      'echo up; exec sleep 600',
    ]);
    const { page } = viewer;
    await viewer.shows('running');
    const left = async () =>
      Number.parseFloat((await page.locator('#lease-left').textContent()) ?? '');
    proxy.reset();
    await proxy.blackhole('both');
    await viewer.shows('suspended.running');
    const before = await left();
    await expect.poll(left, { timeout: 30_000 }).toBeLessThan(before);
    await page.locator('#why', { hasText: 'the lock was lost' }).waitFor({ timeout: 30_000 });
    expect((await program.ended).status).toBe(124);
    expect(await viewer.states()).toEqual(
      expect.arrayContaining(['suspended.running', 'lost.stopping', 'done']),
    );
    await page.locator('#facts', { hasText: 'leaseEnding' }).waitFor();
  });

  it('is shown if it cannot connect', async () => {
    const program = startLockex(['-z', '127.0.0.1:1', '-T', '4', '--inspect', '--', 'true']);
    const viewer = await openViewer(browser, await urlOf(program));
    await viewer.shows('connecting');
    await viewer.page.locator('#why', { hasText: 'ZooKeeper could not be reached' }).waitFor();
    expect((await program.ended).status).toBe(125);
  });
});

describe('a viewer', () => {
  it('that connects later gets the history, and can filter it', async () => {
    const { program, viewer } = await startInspected(['-T', '4', '--', 'echo up; exec sleep 600']);
    await program.line(/^up$/);
    const late = await openViewer(browser, await urlOf(program));
    await late.shows('running');
    const { page } = late;
    const events = page.locator('#events tr');
    await events.filter({ hasText: 'session.established' }).waitFor();
    await events.filter({ hasText: 'command.started' }).waitFor();
    await page.locator('.stay[data-state=connecting]').waitFor();
    await page.locator('#filter').fill('lock.conf');
    await expect.poll(() => events.count()).toBe(1);
    await page.locator('#filter').fill('');
    await page.locator('#renewals').check();
    await events.filter({ hasText: 'lease.renewed' }).first().waitFor();
    await viewer.shows('running');
  });

  it('sees neither the arguments of the command nor its environment', async () => {
    const { program, viewer } = await startInspected([
      '--',
      'sh',
      '-c',
      'echo up; exec sleep 600',
      'hunter2',
    ]);
    await program.line(/^up$/);
    await viewer.shows('running');
    const url = new URL(await urlOf(program));
    const heard: string[] = [];
    for (const path of ['live', '']) {
      const socket = new WebSocket(`ws://${url.host}/${path}${url.search}`);
      await new Promise((resolve) => {
        socket.once('message', (data) => resolve(heard.push(String(data))));
      });
      socket.close();
    }
    expect(heard.join('')).toContain('lockex');
    expect(`${heard.join('')}${await viewer.page.content()}`).not.toMatch(/hunter2|LOCKEX_HELD/);
  });

  it('needs the token of this lockex, which survives a reload', async () => {
    const { program, viewer } = await startInspected(['-T', '30', '--', 'echo up; exec sleep 600']);
    await program.line(/^up$/);
    const live = viewer.page.locator('#connection', { hasText: 'live' });
    await live.waitFor();
    await viewer.page.reload();
    await live.waitFor();
    const { origin } = new URL(await urlOf(program));
    for (const path of ['/', '/live', '/?token=0']) {
      const refused = await fetch(`${origin}${path}`);
      expect(refused.status).toBe(403);
      expect(await refused.text()).not.toContain('<');
    }
  });

  it('explains the refusal when another lockex uses the port', async () => {
    const { connectString } = await sharedServerWithChroot();
    const args = ['-z', connectString, '-T', '30'];
    const first = startLockex([...args, '--inspect', '--', 'echo up; exec sleep 600']);
    const url = await urlOf(first);
    const { page } = await openViewer(browser, url, { mayFailToLoad: true });
    await page.locator('#connection', { hasText: 'live' }).waitFor();
    first.signal('SIGKILL');
    await first.ended;
    const { port } = new URL(url);
    const second = startLockex([...args, `--inspect=${port}`, '--', 'echo up; exec sleep 600']);
    expect(await urlOf(second)).not.toBe(url);
    await page.locator('#connection', { hasText: 'refused: missing or wrong token' }).waitFor();
  });

  it('on a phone in dark mode needs no horizontal scrolling', async () => {
    const { program } = await startInspected(['--', 'echo up; exec sleep 600']);
    await program.line(/^up$/);
    const { page, shows } = await openViewer(browser, await urlOf(program), {
      viewport: { width: 360, height: 740 },
      colorScheme: 'dark',
    });
    await shows('running');
    const [wide, ground] = await page.evaluate<[number, string]>(
      '[document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]',
    );
    expect(wide).toBeLessThanOrEqual(360);
    expect(ground).not.toMatch(/^rgb\(2\d\d/);
  });
});

it('Stately’s receiver connects to a run, and receives the machine, its events and snapshots', async () => {
  const { connectString } = await sharedServerWithChroot();
  const program = startLockex(['-z', connectString, '--inspect', '--', 'echo up; read line']);
  const { host, search } = new URL(await urlOf(program));
  await program.line(/^up$/);
  const heard: StatelyInspectionEvent[] = [];
  const receiver = createWebSocketReceiver({ server: `ws://${host}/${search}` });
  const isRunning = () =>
    heard.some((event) => typeIn(event) === 'command.started') &&
    heard.some((event) => event.type === '@xstate.snapshot' && valueIn(event) === 'running');
  await new Promise<void>((resolve) => {
    receiver.subscribe((event) => {
      heard.push(event);
      if (isRunning()) resolve();
    });
  });
  const [actor] = heard;
  if (actor?.type !== '@xstate.actor') throw new Error('the actor comes first');
  const definition = JSON.parse(actor.definition ?? '{}');
  expect(Object.keys(definition.states)).toEqual(
    expect.arrayContaining(['connecting', 'waiting', 'locked', 'running', 'suspended', 'lost']),
  );
  expect(heard.filter(({ type }) => type === '@xstate.event').map(typeIn)).toEqual(
    expect.arrayContaining(['session.established', 'lock.confirmed', 'command.started']),
  );
  program.stdin.end('go\n');
  expect((await program.ended).status).toBe(0);
});

const valueIn = (event: StatelyInspectionEvent) =>
  event.type === '@xstate.snapshot' && (event.snapshot as { value?: unknown }).value;
const typeIn = (event: StatelyInspectionEvent) =>
  event.type === '@xstate.event' ? event.event.type : null;

describe('--inspect', () => {
  it('with a port in use is refused in one line, before the command starts', async () => {
    const { program, connectString } = await startInspected(['--', 'echo up; exec sleep 600']);
    const { port } = new URL(await urlOf(program));
    const second = startLockex(['-z', connectString, `--inspect=${port}`, '--', 'echo never']);
    const { status, stdout, stderr } = await second.ended;
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('address already in use');
  });

  it('on an address other than loopback warns', async () => {
    const { connectString } = await sharedServerWithChroot();
    const program = startLockex(['-z', connectString, '--inspect=0.0.0.0:0', '--', 'true']);
    const { status, stderr } = await program.ended;
    expect(status).toBe(0);
    expect(stderr).toMatch(/"level":"warn".*not a loopback address/);
  });

  it('closes refused connections, and bounds the number of silent ones', async () => {
    const { connectString } = await sharedServerWithChroot();
    const program = startLockex([
      '-z',
      connectString,
      '-T',
      '30',
      '-T',
      '30',
      '--inspect',
      '--',
      'echo up; exec sleep 600',
    ]);
    const url = new URL(await urlOf(program));
    const upgrade = [
      'GET /live HTTP/1.1',
      `Host: ${url.host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    ].join('\r\n');
    /** Never closes its end; resolves when the server has closed its own. */
    const closedByServer = (text: string) => {
      let resolve = () => {};
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      const socket = connect({ port: Number(url.port), host: '127.0.0.1', allowHalfOpen: true });
      onTestFinished(() => void socket.destroy());
      socket.on('error', () => resolve());
      socket.on('end', () => resolve());
      socket.on('connect', () => socket.write(text)).resume();
      return promise;
    };
    await Promise.all(Array.from({ length: 200 }, () => closedByServer(upgrade)));
    const silent = Array.from({ length: 64 }, () => closedByServer('GET / HTTP/1.1\r\n'));
    await Promise.any(silent);
    expect((await fetch(url)).status).toBe(200);
  });

  it('has a page of less than 300 kB', () => {
    const page = fileURLToPath(new URL('../../dist/program/inspector.html', import.meta.url));
    expect(statSync(page).size).toBeLessThan(300_000);
  });
});
