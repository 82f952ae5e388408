/** The inspector's server against hostile requests and viewers that do not read. */
import { connect } from 'node:net';
import { createWebSocketReceiver } from '@statelyai/inspect';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { InspectorServer, type InspectorServerOptions } from '../../../src/inspector/server.ts';

async function startServer(more: Partial<InspectorServerOptions> = {}) {
  const server = new InspectorServer({
    address: { host: '127.0.0.1', port: 0 },
    allowedOrigins: ['https://stately.ai'],
    page: '<p>page</p>',
    policy: "default-src 'none'",
    onViewer: (kind) => [`welcome ${kind}`],
    onViewersGone: () => {},
    ...more,
  });
  const url = new URL(await server.listen());
  onTestFinished(() => server.close(0));
  const { host, port, search } = url;
  const filled = (text: string) =>
    text.replaceAll('HERE', host).replace('PORT', port).replace('TOKEN', search);
  return { server, url, filled, live: `ws://${host}/live${search}` };
}

/** Sends a raw request, because fetch does not allow a custom Host; resolves to the status code. */
function statusOf(port: string, request: string, address = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), address);
    socket.on('error', reject);
    socket.once('data', (data) => {
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1]));
      socket.destroy();
    });
    socket.write(`${request}\r\n\r\n`);
  });
}

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

describe('the page', () => {
  it('is served with restrictive security headers', async () => {
    const { url } = await startServer();
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('<p>page</p>');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-security-policy': "default-src 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
    });
  });

  it.each([
    ['GET /otherTOKEN HTTP/1.1\r\nHost: HERE', 404],
    ['GET /../../etc/passwdTOKEN HTTP/1.1\r\nHost: HERE', 404],
    ['POST /TOKEN HTTP/1.1\r\nHost: HERE\r\nContent-Length: 0', 405],
    ['DELETE /TOKEN HTTP/1.1\r\nHost: HERE', 405],
    ['HEAD /TOKEN HTTP/1.1\r\nHost: HERE', 200],
    ['GET /TOKEN HTTP/1.1\r\nHost: localhost:PORT', 200],
    ['GET /TOKEN HTTP/1.1\r\nHost: [::1]:PORT', 200],
    ['GET /TOKEN HTTP/1.1\r\nHost: stately.ai', 200],
    ['GET /TOKEN HTTP/1.1\r\nHost: evil.example', 421],
    ['GET /TOKEN HTTP/1.1\r\nHost: evil.example:PORT', 421],
    ['GET /TOKEN HTTP/1.1\r\nHost: 127.0.0.1', 421],
    ['GET /TOKEN HTTP/1.1\r\nHost: 10.0.0.1:PORT', 421],
    ['GET /TOKEN HTTP/1.1', 400],
    ['GET / HTTP/1.1\r\nHost: HERE', 403],
    ['GET /?token= HTTP/1.1\r\nHost: HERE', 403],
    ['GET /?token=0123456789abcdef0123456789abcdef HTTP/1.1\r\nHost: HERE', 403],
    ['GET /TOKEN0 HTTP/1.1\r\nHost: HERE', 403],
    ['GET /?x=1&TOKEN HTTP/1.1\r\nHost: HERE', 403],
    ['GET /TOKEN HTTP/1.1\r\nHost: HERE\r\nOrigin: http://HERE', 200],
    ['GET /TOKEN HTTP/1.1\r\nHost: HERE\r\nOrigin: http://evil.example', 403],
  ])('answers %j with %i', async (request, status) => {
    const { url, filled } = await startServer();
    expect(await statusOf(url.port, filled(request))).toBe(status);
  });

  it('listening on all addresses, accepts only the Host of the address that the client reached', async () => {
    const { url } = await startServer({ address: { host: '0.0.0.0', port: 0 } });
    const ask = (host: string, to = '127.0.0.1') =>
      statusOf(url.port, `GET /${url.search} HTTP/1.1\r\nHost: ${host}:${url.port}`, to);
    expect(await ask('127.0.0.2', '127.0.0.2')).toBe(200);
    expect(await ask('127.0.0.2')).toBe(421);
    expect(await ask('192.168.7.7')).toBe(421);
    expect(await ask('evil.example')).toBe(421);
  });

  it('listening on ::, accepts IPv4 clients as well', async () => {
    const { url } = await startServer({ address: { host: '::', port: 0 } });
    expect(url.hostname).toBe('[::]');
    const request = `GET /${url.search} HTTP/1.1\r\nHost: 127.0.0.2:${url.port}`;
    expect(await statusOf(url.port, request, '127.0.0.2')).toBe(200);
    expect(await statusOf(url.port, request, '127.0.0.3')).toBe(421);
  });

  it('has a new token for each server', async () => {
    const [one, other] = [await startServer(), await startServer()];
    expect(one.url.search).toMatch(/^\?token=[0-9a-f]{32}$/);
    expect(one.url.search).not.toBe(other.url.search);
    const request = `GET /${other.url.search} HTTP/1.1\r\nHost: ${one.url.host}`;
    expect(await statusOf(one.url.port, request)).toBe(403);
  });
});

describe('a WebSocket', () => {
  it.each([
    ['', 101],
    ['Origin: http://HERE', 101],
    ['Origin: https://stately.ai', 101],
    // Differs from the Host, although it also names this server.
    ['Origin: http://localhost:PORT', 403],
    ['Origin: http://192.168.7.7:PORT', 403],
    ['Origin: https://evil.example', 403],
    ['Origin: https://HERE', 403],
    ['Origin: null', 403],
    ['Origin: http://localhost:1', 403],
    ['Origin: https://stately.ai.evil.example', 403],
  ])('with %j is answered with %i', async (origin, status) => {
    const { url, filled } = await startServer();
    const lines = ['GET /liveTOKEN HTTP/1.1', 'Host: HERE', origin, UPGRADE];
    expect(await statusOf(url.port, filled(lines.filter((line) => line).join('\r\n')))).toBe(
      status,
    );
  });

  it.each([
    ['GET /liveTOKEN HTTP/1.1\r\nHost: evil.example', 421],
    ['GET /live HTTP/1.1\r\nHost: HERE', 403],
    ['GET / HTTP/1.1\r\nHost: HERE', 403],
    ['GET /live?token=0 HTTP/1.1\r\nHost: HERE\r\nOrigin: http://HERE', 403],
  ])('requested by %j is answered with %i', async (request, status) => {
    const { url, filled } = await startServer();
    expect(await statusOf(url.port, filled(`${request}\r\n${UPGRADE}`))).toBe(status);
  });

  it('is refused to a page whose origin is another IP address', async () => {
    const { url } = await startServer({ address: { host: '0.0.0.0', port: 0 } });
    const lines = [
      `GET /live${url.search} HTTP/1.1`,
      `Host: 127.0.0.1:${url.port}`,
      `Origin: http://192.168.7.7:${url.port}`,
      UPGRADE,
    ];
    expect(await statusOf(url.port, lines.join('\r\n'))).toBe(403);
  });

  it('receives the history, then new messages; its own messages are ignored', async () => {
    const { server, live } = await startServer();
    const viewer = new WebSocket(live);
    const received: string[] = [];
    const second = new Promise((resolve) => {
      viewer.on('message', (data) => received.push(String(data)) === 2 && resolve(null));
    });
    await new Promise((resolve) => viewer.once('open', resolve));
    viewer.send('{"type":"command.stop"}');
    server.send('stately', 'not for it');
    server.send('live', 'news');
    await second;
    expect(received).toEqual(['welcome live', 'news']);
    viewer.terminate();
  });

  it('that sends too much is closed', async () => {
    const { live } = await startServer();
    const viewer = new WebSocket(live);
    await new Promise((resolve) => viewer.once('open', resolve));
    viewer.send('x'.repeat(100_000));
    expect(await new Promise((resolve) => viewer.once('close', resolve))).toBe(1009);
  });

  it('that does not read is dropped, and the others continue', async () => {
    const { server, url, live } = await startServer();
    const stuck = connect(Number(url.port), '127.0.0.1');
    stuck.on('error', () => {});
    stuck.write(`GET /live${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n${UPGRADE}\r\n\r\n`);
    await new Promise((resolve) => stuck.once('data', resolve));
    stuck.pause();
    const viewer = new WebSocket(live);
    await new Promise((resolve) => viewer.once('message', resolve));
    expect(server.viewers).toBe(2);
    let received = 0;
    viewer.on('message', () => {
      received += 1;
    });
    // 64 MB, far more than the buffers of a socket; in turns, so that the other viewer can read.
    let sent = 0;
    for (; sent < 4096 && server.viewers === 2; sent += 1) {
      server.send('live', 'x'.repeat(16_384));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(server.viewers).toBe(1);
    await expect.poll(() => received, { timeout: 30_000 }).toBe(sent);
    viewer.terminate();
    stuck.destroy();
  });

  it('is refused with 503 above the maximum number', async () => {
    const { live } = await startServer();
    const viewers = Array.from({ length: 40 }, () => new WebSocket(live));
    const outcomes = await Promise.all(
      viewers.map(
        (viewer) =>
          new Promise<string>((resolve) => {
            viewer.once('open', () => resolve('open'));
            viewer.once('error', (error) => resolve(error.message));
          }),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'open')).toHaveLength(32);
    expect(outcomes.find((outcome) => outcome !== 'open')).toContain('503');
    for (const viewer of viewers) viewer.terminate();
  });

  it('is closed in bounded time when lockex exits, even if it does not read', async () => {
    const { server, url } = await startServer();
    const stuck = connect(Number(url.port), '127.0.0.1');
    stuck.on('error', () => {});
    stuck.write(`GET /live${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n${UPGRADE}\r\n\r\n`);
    await new Promise((resolve) => stuck.once('data', resolve));
    const closed = new Promise((resolve) => stuck.resume().once('close', resolve));
    stuck.pause();
    await server.close(50);
    stuck.resume();
    await closed;
  });
});

describe('a connection', () => {
  const BOUNDS = { maxPending: 8, maxPendingMs: 200, pingMs: 30_000 };

  /** A socket that sends this text, does not read, and never closes its end. */
  async function openStuckSocket(port: string, text: string) {
    const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.pause();
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(text);
    return socket;
  }

  it('is closed at once when its upgrade is refused, even if the client keeps its end open', async () => {
    const { server, url } = await startServer({ bounds: { ...BOUNDS, maxPendingMs: 600_000 } });
    const request = `GET /live HTTP/1.1\r\nHost: ${url.host}\r\n${UPGRADE}\r\n\r\n`;
    const refused = await openStuckSocket(url.port, request);
    const answer = new Promise((resolve) => refused.once('data', (data) => resolve(String(data))));
    refused.resume();
    expect(await answer).toContain('403 Forbidden');
    await expect.poll(() => server.pendingConnections, { timeout: 30_000 }).toBe(0);
  });

  it.each([
    ['that sends nothing', ''],
    ['with an incomplete request', 'GET / HTTP/1.1\r\nHo'],
    ['that does not read', 'GET /TOKEN HTTP/1.1\r\nHost: HERE\r\n\r\n'],
    ['with an endless body', 'GET /TOKEN HTTP/1.1\r\nHost: HERE\r\nContent-Length: 9\r\n\r\n'],
  ])('%s is closed at its deadline', async (_, text) => {
    // Larger than the buffers of both sockets.
    const page = 'x'.repeat(32 * 1024 * 1024);
    const { server, url, filled } = await startServer({ bounds: BOUNDS, page });
    const socket = await openStuckSocket(url.port, filled(text));
    await expect.poll(() => server.pendingConnections, { timeout: 30_000 }).toBe(0);
    const closed = new Promise((resolve) => socket.once('close', resolve).once('end', resolve));
    socket.resume();
    await closed;
  });

  it('replaces the oldest one above the maximum number', async () => {
    const { server, url } = await startServer({ bounds: { ...BOUNDS, maxPendingMs: 600_000 } });
    const sockets = [];
    for (let made = 0; made < 50; made += 1)
      sockets.push(await openStuckSocket(url.port, 'GET / HTTP/1.1'));
    const [oldest] = sockets;
    const closed = new Promise((resolve) => oldest?.once('close', resolve).once('end', resolve));
    oldest?.resume();
    await closed;
    await expect.poll(() => server.pendingConnections, { timeout: 30_000 }).toBeLessThanOrEqual(8);
    // A new client is still served.
    expect((await fetch(url)).status).toBe(200);
  });

  it('of a viewer that does not answer pings is closed', async () => {
    const { server, url, live } = await startServer({ bounds: { ...BOUNDS, pingMs: 300 } });
    const silent = await openStuckSocket(
      url.port,
      `GET /live${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n${UPGRADE}\r\n\r\n`,
    );
    await expect.poll(() => server.viewers, { timeout: 30_000 }).toBe(1);
    const viewer = new WebSocket(live);
    let pings = 0;
    viewer.on('ping', () => {
      pings += 1;
    });
    await expect.poll(() => pings, { timeout: 30_000 }).toBeGreaterThan(3);
    expect(server.viewers).toBe(1);
    expect(viewer.readyState).toBe(viewer.OPEN);
    viewer.terminate();
    silent.destroy();
  });
});

it('a port in use is reported with the system’s error', async () => {
  const { url } = await startServer();
  await expect(
    startServer({ address: { host: '127.0.0.1', port: Number(url.port) } }),
  ).rejects.toThrow('EADDRINUSE');
});

it('createWebSocketReceiver of @statelyai/inspect can connect', async () => {
  const message = { type: '@xstate.snapshot', snapshot: { value: 'running' } };
  const { url } = await startServer({ onViewer: (kind) => [JSON.stringify({ ...message, kind })] });
  const receiver = createWebSocketReceiver({ server: `ws://${url.host}/${url.search}` });
  const received = await new Promise((resolve) => {
    receiver.subscribe(resolve);
  });
  expect(received).toEqual({ ...message, kind: 'stately' });
});
