/** Simulated sockets: order, delays, faults, and the events that src/platform/tcp.ts promises. */
import { describe, expect, it } from 'vitest';
import { SimulatedHost, SimulatedProcess } from '../kernel/process.ts';
import { Simulation } from '../kernel/simulation.ts';
import type { Endpoint } from './connection.ts';
import { Network } from './network.ts';
import { SimulatedSocket } from './socket.ts';

const PORT = 2181;

interface Served {
  readonly endpoint: Endpoint<Buffer>;
  received: string;
  ended: string | null;
}

function setUp(seed = 1) {
  const simulation = new Simulation({ seed });
  const network = new Network(simulation);
  const process = (name: string) => new SimulatedProcess(new SimulatedHost(simulation, name), name);
  const [client, server] = [process('client'), process('server')];
  const served: Served[] = [];
  network.listen<Buffer>(server, String(PORT), (endpoint) => {
    const one: Served = { endpoint, received: '', ended: null };
    served.push(one);
    endpoint.listen({
      onItem: (bytes) => {
        one.received += bytes.toString();
      },
      onClosed: (reason) => {
        one.ended = reason;
      },
    });
  });
  const open = (host = 'server') => {
    const events: string[] = [];
    const socket = new SimulatedSocket(network, client, { host, port: PORT });
    socket.on('connect', () => events.push('connect'));
    socket.on('data', (bytes: Buffer) => events.push(`data ${bytes}`));
    socket.on('error', (error: NodeJS.ErrnoException) => events.push(`error ${error.code}`));
    socket.on('close', () => events.push('close'));
    return {
      socket,
      events,
      text: () => events.filter((each) => each.startsWith('data')).join(''),
    };
  };
  const link = (from: string, to: string) => network.link(from, to, 'client');
  return { simulation, network, client, server, served, open, link };
}

describe('a simulated socket', () => {
  it('connects, sends and receives in order, in pieces of any size', async () => {
    const { simulation, served, open } = setUp(5);
    const { socket, events } = open();
    await simulation.run(10);
    expect(events).toEqual(['connect']);
    const taken: string[] = [];
    const sent = Array.from({ length: 200 }, (_, at) => `<${at}>`);
    for (const text of sent) socket.write(Buffer.from(text), () => taken.push(text));
    expect(taken).toEqual([]);
    await simulation.run(100);
    expect(served[0]?.received).toBe(sent.join(''));
    expect(taken.toSorted()).toEqual(sent.toSorted());
    for (const text of ['a', 'b', 'c']) served[0]?.endpoint.send(Buffer.from(text));
    await simulation.run(10);
    expect(events.slice(1)).toEqual(['data a', 'data b', 'data c']);
  });

  it('takes a copy of what is written', async () => {
    const { simulation, served, open } = setUp();
    const { socket } = open();
    await simulation.run(10);
    const secret = Buffer.from('secret');
    socket.write(secret, () => secret.fill(0));
    secret.fill(0);
    await simulation.run(10);
    expect(served[0]?.received).toBe('secret');
  });

  it('is refused where nothing listens, and after the process has ended', async () => {
    const { simulation, server, open } = setUp();
    const nowhere = open('client');
    await simulation.run(10);
    expect(nowhere.events).toEqual(['error ECONNREFUSED', 'close']);
    server.end();
    const late = open();
    await simulation.run(10);
    expect(late.events).toEqual(['error ECONNREFUSED', 'close']);
    expect(late.socket.destroyed).toBe(true);
  });

  it('ends when the other side closes or ends, behind what was sent before', async () => {
    const { simulation, served, open, server } = setUp();
    const [one, two] = [open(), open()];
    await simulation.run(10);
    served[0]?.endpoint.send(Buffer.from('last'));
    served[0]?.endpoint.close();
    await simulation.run(10);
    expect(one.events).toEqual(['connect', 'data last', 'close']);
    server.end();
    await simulation.run(10);
    expect(two.events).toEqual(['connect', 'close']);
  });

  it('reports its own end as node:net does, and receives nothing afterwards', async () => {
    const { simulation, served, open } = setUp();
    const { socket, events } = open();
    await simulation.run(10);
    served[0]?.endpoint.send(Buffer.from('late'));
    socket.destroy();
    expect(events).toEqual(['connect']);
    await simulation.run(10);
    expect(events).toEqual(['connect', 'close']);
    expect(served[0]?.ended).not.toBeNull();
    const early = open();
    early.socket.destroy();
    await simulation.run(10);
    expect(early.events).toEqual(['close']);
  });

  it('is reset in the middle', async () => {
    const { simulation, network, served, open } = setUp();
    const { events, socket } = open();
    await simulation.run(10);
    socket.write(Buffer.from('lost'));
    network.reset('client', 'server');
    await simulation.run(10);
    expect(events).toEqual(['connect', 'error ECONNRESET', 'close']);
    expect(served[0]).toMatchObject({ received: '', ended: 'reset' });
  });
});

it('a frame is cut in the middle by a reset', async () => {
  const { simulation, network, served, open } = setUp();
  const { events, socket } = open();
  await simulation.run(10);
  network.resetMidway('client', 'server');
  await simulation.run(10);
  expect(events).toEqual(['connect']);
  socket.write(Buffer.from('frame'));
  await simulation.run(10);
  expect(events).toEqual(['connect', 'error ECONNRESET', 'close']);
  expect(served[0]?.ended).toBe('reset');
  expect('frame'.startsWith(served[0]?.received ?? '')).toBe(true);
  expect(served[0]?.received).toMatch(/^.{1,4}$/);
});

describe('a link', () => {
  it('that is held delivers nothing, and everything in order when it is released', async () => {
    const { simulation, served, open, link } = setUp();
    const { socket, events, text } = open();
    await simulation.run(10);
    socket.write(Buffer.from('1'));
    link('client', 'server').hold();
    socket.write(Buffer.from('2'));
    served[0]?.endpoint.send(Buffer.from('down'));
    await simulation.run(60_000);
    expect(served[0]?.received).toBe('');
    expect(text()).toBe('data down');
    link('client', 'server').release();
    socket.write(Buffer.from('3'));
    await simulation.run(10);
    expect(served[0]?.received).toBe('123');
    expect(events).not.toContain('close');
  });

  it('that is held lets no connection come about, nor its end be noticed', async () => {
    const { simulation, served, open, link, server } = setUp();
    link('client', 'server').hold();
    const { events } = open();
    await simulation.run(10_000);
    expect([events, served]).toEqual([[], []]);
    link('client', 'server').release();
    await simulation.run(10);
    expect(events).toEqual(['connect']);
    link('server', 'client').hold();
    server.end();
    await simulation.run(10_000);
    expect(events).toEqual(['connect']);
    link('server', 'client').release();
    await simulation.run(10);
    expect(events).toEqual(['connect', 'close']);
  });

  it('that becomes faster does not let later bytes overtake', async () => {
    const { simulation, served, open, link } = setUp();
    const { socket } = open();
    await simulation.run(10);
    link('client', 'server').setDelay({ minMs: 500, maxMs: 600 });
    socket.write(Buffer.from('slow'));
    link('client', 'server').setDelay({ minMs: 0, maxMs: 1 });
    socket.write(Buffer.from('fast'));
    await simulation.run(490);
    expect(served[0]?.received).toBe('');
    await simulation.run(200);
    expect(served[0]?.received).toBe('slowfast');
  });

  it('delivers to a process that is paused when it goes on', async () => {
    const { simulation, served, open, server, client } = setUp();
    const { socket, events } = open();
    await simulation.run(10);
    server.pause();
    for (const text of 'abcdef') socket.write(Buffer.from(text));
    const second = open();
    await simulation.run(1000);
    // The kernel accepts connections.
    expect(second.events).toEqual(['connect']);
    expect(served).toHaveLength(1);
    second.socket.write(Buffer.from('second'));
    await simulation.run(10);
    server.resume();
    await simulation.run(10);
    expect(served.map(({ received }) => received)).toEqual(['abcdef', 'second']);
    client.pause();
    served[0]?.endpoint.send(Buffer.from('x'));
    served[0]?.endpoint.close();
    await simulation.run(10);
    expect(events).toEqual(['connect']);
    client.resume();
    await simulation.run(10);
    expect(events).toEqual(['connect', 'data x', 'close']);
  });
});
