import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';

/** A ZooKeeper frame: its length, then its body. */
function frame(body: string): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(body.length);
  return Buffer.concat([prefix, Buffer.from(body)]);
}

/** Collects what a socket receives, and can wait for it. */
class Peer {
  received = '';
  ended = false;
  error: NodeJS.ErrnoException | undefined;
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.received += bytes.toString('latin1');
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('error', (error) => {
      this.error = error;
    });
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  async receives(text: string): Promise<void> {
    while (!this.received.includes(text)) {
      await new Promise((resolve) => this.socket.once('data', resolve));
    }
  }

  async closes(): Promise<void> {
    if (this.socket.closed) return;
    // Not once() of node:events, which rejects on an earlier error.
    await new Promise((resolve) => this.socket.once('close', resolve));
  }
}

let server: Server;
let serverSide: Peer[];
let proxy: FaultProxy;

beforeEach(async () => {
  serverSide = [];
  server = createServer((socket) => serverSide.push(new Peer(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startFaultProxy('127.0.0.1', (server.address() as AddressInfo).port);
});

afterEach(async () => {
  await proxy.close();
  for (const { socket } of serverSide) socket.destroy();
  server.close();
});

async function connectClient(): Promise<Peer> {
  const before = proxy.counters.accepted;
  const client = new Peer(connect(proxy.port, proxy.host));
  await proxy.until(() => proxy.counters.accepted > before);
  return client;
}

/** A client whose first bytes have reached the server, and the server's side of the connection. */
async function connectedPair(): Promise<[client: Peer, server: Peer]> {
  const arrived = once(server, 'connection');
  const client = await connectClient();
  await arrived;
  const accepted = serverSide.at(-1);
  if (accepted === undefined) throw new Error('the server has not accepted a connection');
  client.send('hello');
  await accepted.receives('hello');
  return [client, accepted];
}

it('bytes and frames pass in both directions and are counted', async () => {
  const arrived = once(server, 'connection');
  const client = await connectClient();
  await arrived;
  client.send(Buffer.concat([frame('one'), frame('two')]));
  await serverSide[0]?.receives('two');
  serverSide[0]?.send(frame('three'));
  await client.receives('three');
  expect(proxy.counters).toEqual({
    accepted: 1,
    toServer: { arrived: 14, bytes: 14, packets: 2 },
    toClient: { arrived: 9, bytes: 9, packets: 1 },
  });
});

it('a blackhole in one direction holds its bytes until pass, and does not affect the other', async () => {
  const [client, accepted] = await connectedPair();
  await proxy.blackhole('toClient');
  accepted.send('held');
  client.send('through');
  await accepted.receives('through');
  await proxy.until(() => proxy.counters.toClient.arrived === 4);
  expect(proxy.counters.toClient.bytes).toBe(0);
  await proxy.pass();
  await client.receives('held');
});

it('a blackhole in both directions lets no new connection through to the server', async () => {
  await proxy.blackhole('both');
  const client = await connectClient();
  client.send('late');
  expect(serverSide).toHaveLength(0);
  const arrived = once(server, 'connection');
  await proxy.pass();
  await arrived;
  await serverSide[0]?.receives('late');
});

it('a blackhole hides the end of a connection too, until pass', async () => {
  const [client, accepted] = await connectedPair();
  await proxy.blackhole('both');
  client.socket.resetAndDestroy();
  await proxy.until(() => proxy.connections() === 0);
  expect(accepted.ended).toBe(false);
  expect(accepted.error).toBeUndefined();
  await proxy.pass();
  await accepted.closes();
});

it('a blackhole that drops bytes never delivers them: pass resets the connection', async () => {
  const [client, accepted] = await connectedPair();
  await proxy.blackhole('toClient', { bytes: 'drop' });
  accepted.send('lost');
  await proxy.until(() => proxy.counters.toClient.arrived === 4);
  await proxy.pass();
  await client.closes();
  expect(client.error?.code).toBe('ECONNRESET');
  expect(client.received).toBe('');
});

it('a reset ends open connections with ECONNRESET and lets new ones through', async () => {
  const [client] = await connectedPair();
  proxy.reset();
  await client.closes();
  expect(client.error?.code).toBe('ECONNRESET');
  await connectedPair();
});

it('refuse rejects new connections; after pass it listens on the same port', async () => {
  const [client] = await connectedPair();
  const { port } = proxy;
  await proxy.refuse();
  await client.closes();
  const refused = new Peer(connect(port, proxy.host));
  await refused.closes();
  expect(refused.error?.code).toBe('ECONNREFUSED');
  await proxy.pass();
  expect(proxy.port).toBe(port);
  await connectedPair();
});

it('a delay delays bytes and preserves their order', async () => {
  const [client, accepted] = await connectedPair();
  await proxy.delay(150);
  const sentAt = performance.now();
  accepted.send('first ');
  await new Promise((resolve) => setImmediate(resolve));
  accepted.send('second');
  await client.receives('second');
  expect(client.received).toBe('first second');
  // Timers may fire up to a millisecond early.
  expect(performance.now() - sentAt).toBeGreaterThan(148);
});

it.each([
  ['toClient', 'accepted', 'client'],
  ['toServer', 'client', 'accepted'],
] as const)('a delay %s does not affect the other direction', async (direction, slow, quick) => {
  const [client, accepted] = await connectedPair();
  const peers = { client, accepted };
  const before = proxy.counters[direction];
  await proxy.delay(600_000, direction);
  peers[slow].send('late');
  await proxy.until(() => proxy.counters[direction].arrived === before.arrived + 4);
  peers[quick].send('in time');
  await peers[slow].receives('in time');
  expect(proxy.counters[direction].bytes).toBe(before.bytes);
});

it('bytes that are delayed when a direction is cut arrive later, in order', async () => {
  const [client, accepted] = await connectedPair();
  await proxy.delay(50, 'toClient');
  accepted.send('slow ');
  await proxy.until(() => proxy.counters.toClient.arrived === 5);
  await proxy.blackhole('toClient');
  accepted.send('cut ');
  await proxy.until(() => proxy.counters.toClient.arrived === 9);
  expect(client.received).not.toContain('cut');
  await proxy.pass();
  accepted.send('after');
  await client.receives('after');
  expect(client.received).toBe('slow cut after');
});

it('a stalled new connection is accepted and not answered, while open ones work', async () => {
  const [client, accepted] = await connectedPair();
  await proxy.stallNew();
  const stalled = await connectClient();
  stalled.send('waiting');
  client.send('still here');
  await accepted.receives('still here');
  expect(serverSide).toHaveLength(1);
  const arrived = once(server, 'connection');
  await proxy.pass();
  await arrived;
  await serverSide[1]?.receives('waiting');
});

it('a cut is inside the next frame, independent of the chunks before it', async () => {
  const [client, accepted] = await connectedPair();
  const whole = frame('a whole frame');
  accepted.send(whole.subarray(0, 7));
  await client.receives('a w');
  const cut = proxy.cutMidFrame(6);
  accepted.send(Buffer.concat([whole.subarray(7), frame('cut short')]));
  await cut;
  await client.closes();
  expect(client.received).toBe(`${whole.toString('latin1')}\0\0\0\x09cu`);
  expect(client.ended).toBe(true);
  await accepted.closes();
});

it('the end of the server reaches the client', async () => {
  const [client, accepted] = await connectedPair();
  accepted.send('bye');
  accepted.socket.end();
  await client.closes();
  expect(client.received).toBe('bye');
  await proxy.until(() => proxy.connections() === 0);
});

it('a client is reset if the target of the proxy does not listen', async () => {
  server.close();
  await once(server, 'close');
  const client = await connectClient();
  await client.closes();
  expect(client.error?.code).toBe('ECONNRESET');
});
