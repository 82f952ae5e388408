/** The inspector's server against those who mean no good, or read nothing. */
import { connect } from 'node:net';
import { createWebSocketReceiver } from '@statelyai/inspect';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { InspectorServer, type InspectorServerOptions } from '../../../src/inspector/server.ts';

async function serving(more: Partial<InspectorServerOptions> = {}) {
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
  return { server, url };
}

/** A request by hand: fetch lets nobody choose a Host. Gives the answer's status. */
function statusOf(port: string, request: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1');
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
  it('is given with headers that let it do nothing but show itself', async () => {
    const { url } = await serving();
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
    ['GET /other HTTP/1.1\r\nHost: HERE', 404],
    ['GET /../../etc/passwd HTTP/1.1\r\nHost: HERE', 404],
    ['POST / HTTP/1.1\r\nHost: HERE\r\nContent-Length: 0', 405],
    ['DELETE / HTTP/1.1\r\nHost: HERE', 405],
    ['HEAD / HTTP/1.1\r\nHost: HERE', 200],
    ['GET / HTTP/1.1\r\nHost: localhost:PORT', 200],
    ['GET / HTTP/1.1\r\nHost: [::1]:PORT', 200],
    ['GET / HTTP/1.1\r\nHost: evil.example', 421],
    ['GET / HTTP/1.1\r\nHost: evil.example:PORT', 421],
    ['GET / HTTP/1.1\r\nHost: 127.0.0.1', 421],
    ['GET / HTTP/1.1\r\nHost: 10.0.0.1:PORT', 421],
    ['GET / HTTP/1.1', 400],
  ])('%j gets %i', async (request, status) => {
    const { url } = await serving();
    const sent = request.replace('HERE', url.host).replace('PORT', url.port);
    expect(await statusOf(url.port, sent)).toBe(status);
  });

  it('on all addresses is given under any address, and under no other name', async () => {
    const { url } = await serving({ address: { host: '0.0.0.0', port: 0 } });
    const ask = (host: string) => statusOf(url.port, `GET / HTTP/1.1\r\nHost: ${host}:${url.port}`);
    expect(await ask('192.168.7.7')).toBe(200);
    expect(await ask('evil.example')).toBe(421);
  });
});

describe('a WebSocket', () => {
  it.each([
    ['', 101],
    ['Origin: http://HERE', 101],
    ['Origin: http://localhost:PORT', 101],
    ['Origin: https://stately.ai', 101],
    ['Origin: https://evil.example', 403],
    ['Origin: https://HERE', 403],
    ['Origin: null', 403],
    ['Origin: http://localhost:1', 403],
    ['Origin: https://stately.ai.evil.example', 403],
  ])('with %j gets %i', async (origin, status) => {
    const { url } = await serving();
    const sent = origin.replace('HERE', url.host).replace('PORT', url.port);
    const lines = ['GET /live HTTP/1.1', `Host: ${url.host}`, sent, UPGRADE].filter((line) => line);
    expect(await statusOf(url.port, lines.join('\r\n'))).toBe(status);
  });

  it('with a foreign Host is refused', async () => {
    const { url } = await serving();
    expect(await statusOf(url.port, `GET /live HTTP/1.1\r\nHost: evil.example\r\n${UPGRADE}`)).toBe(
      421,
    );
  });

  it('is told what there is, then what comes; what it says is not listened to', async () => {
    const { server, url } = await serving();
    const viewer = new WebSocket(`ws://${url.host}/live`);
    const heard: string[] = [];
    const second = new Promise((resolve) => {
      viewer.on('message', (data) => heard.push(String(data)) === 2 && resolve(null));
    });
    await new Promise((resolve) => viewer.once('open', resolve));
    viewer.send('{"type":"command.stop"}');
    server.send('stately', 'not for it');
    server.send('live', 'news');
    await second;
    expect(heard).toEqual(['welcome live', 'news']);
    viewer.terminate();
  });

  it('that says too much is dropped', async () => {
    const { url } = await serving();
    const viewer = new WebSocket(`ws://${url.host}/live`);
    await new Promise((resolve) => viewer.once('open', resolve));
    viewer.send('x'.repeat(100_000));
    expect(await new Promise((resolve) => viewer.once('close', resolve))).toBe(1009);
  });

  it('that reads nothing is dropped, and the others go on', async () => {
    const { server, url } = await serving();
    const stuck = connect(Number(url.port), '127.0.0.1');
    stuck.on('error', () => {});
    stuck.write(`GET /live HTTP/1.1\r\nHost: ${url.host}\r\n${UPGRADE}\r\n\r\n`);
    await new Promise((resolve) => stuck.once('data', resolve));
    stuck.pause();
    const viewer = new WebSocket(`ws://${url.host}/live`);
    await new Promise((resolve) => viewer.once('message', resolve));
    expect(server.viewers).toBe(2);
    let heard = 0;
    viewer.on('message', () => {
      heard += 1;
    });
    // 64 MB, far more than a socket takes by itself; in turns, so that the other one can read.
    let sent = 0;
    for (; sent < 4096 && server.viewers === 2; sent += 1) {
      server.send('live', 'x'.repeat(16_384));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(server.viewers).toBe(1);
    await expect.poll(() => heard, { timeout: 30_000 }).toBe(sent);
    viewer.terminate();
    stuck.destroy();
  });

  it('is one of a bounded number', async () => {
    const { url } = await serving();
    const viewers = Array.from({ length: 40 }, () => new WebSocket(`ws://${url.host}/live`));
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

  it('is closed in bounded time when lockex ends, also one that is stuck', async () => {
    const { server, url } = await serving();
    const stuck = connect(Number(url.port), '127.0.0.1');
    stuck.on('error', () => {});
    stuck.write(`GET /live HTTP/1.1\r\nHost: ${url.host}\r\n${UPGRADE}\r\n\r\n`);
    await new Promise((resolve) => stuck.once('data', resolve));
    const closed = new Promise((resolve) => stuck.resume().once('close', resolve));
    stuck.pause();
    await server.close(50);
    stuck.resume();
    await closed;
  });
});

it('a port that is taken is said by the system’s error', async () => {
  const { url } = await serving();
  await expect(serving({ address: { host: '127.0.0.1', port: Number(url.port) } })).rejects.toThrow(
    'EADDRINUSE',
  );
});

it('createWebSocketReceiver of @statelyai/inspect can attach', async () => {
  const message = { type: '@xstate.snapshot', snapshot: { value: 'running' } };
  const { url } = await serving({ onViewer: (kind) => [JSON.stringify({ ...message, kind })] });
  const receiver = createWebSocketReceiver({ server: `ws://${url.host}` });
  const heard = await new Promise((resolve) => {
    receiver.subscribe(resolve);
  });
  expect(heard).toEqual({ ...message, kind: 'stately' });
});
