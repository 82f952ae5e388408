/**
 * The defects of node-zookeeper-client 1.1.3, by number as in docs/decisions/0002. Each test
 * describes how a client should behave: it must fail with the bare client and pass with lockex's
 * session. A test that passes with both shows nothing. Crashes happen in a process of their own.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startFaultProxy } from '../../../support/fault-proxy.ts';
import { run } from '../../../support/processes.ts';
import { eventually } from '../../../support/until.ts';
import { sharedServer } from '../../../support/zookeeper.ts';
import { bare, type Client, type ClientMaker, lockexClient } from '../clients.ts';
import {
  bytes,
  framed,
  int,
  long,
  type Script,
  STAT,
  startScriptedServer,
} from '../scripted-server.ts';

/** The bare client waits for ever: what has not happened by then does not happen. */
const PATIENCE_MS = 6000;

async function inTime<T>(wanted: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('not in time')), PATIENCE_MS);
  });
  return await Promise.race([wanted, late]).finally(() => clearTimeout(timer));
}

async function settles(wanted: Promise<unknown>): Promise<void> {
  await inTime(
    wanted.then(
      () => {},
      () => {},
    ),
  );
}

async function until(condition: () => boolean): Promise<void> {
  if (!(await eventually(condition, PATIENCE_MS))) throw new Error('not in time');
}

/** Runs one check on both; the bare client must fail it. */
function defect(name: string, check: (make: ClientMaker) => Promise<void>): void {
  it(name, async () => {
    await expect(check(bare)).rejects.toThrow();
    await check(lockexClient);
  });
}

function made(client: Client): Client {
  onTestFinished(async () => {
    await settles(client.close()).catch(() => {});
  });
  return client;
}

describe('1', () => {
  defect('a server that never answers the handshake is followed by the next one', async (make) => {
    const mute = await startScriptedServer(() => {});
    const { host, port } = sharedServer();
    // Both shuffle the hosts: of these two one puts the mute one first.
    const random = vi.spyOn(Math, 'random');
    onTestFinished(() => random.mockRestore());
    for (const chosen of [0, 0.999]) {
      random.mockReturnValue(chosen);
      const client = make(`127.0.0.1:${mute.port},${host}:${port}`, 2000);
      await inTime(client.connect());
      await settles(client.close());
    }
  });
});

describe('2', () => {
  defect('a silent partition is noticed, and requests fail', async (make) => {
    const { host, port } = sharedServer();
    const proxy = await startFaultProxy(host, port);
    const client = make(proxy.connectString, 1000);
    try {
      await inTime(client.connect());
      await proxy.blackhole('both');
      await settles(client.exists('/'));
      await until(() => client.events.includes('disconnected'));
    } finally {
      await proxy.close();
      await settles(client.close()).catch(() => {});
    }
  });
});

describe('5', () => {
  defect('a request without a connection fails at once', async (make) => {
    const gone = await startScriptedServer(async (connection) => {
      if (connection.number > 1) return;
      await connection.shakeHands({ timeoutMs: 4000 });
      connection.socket.destroy();
    });
    const client = make(`127.0.0.1:${gone.port}`, 4000);
    await inTime(client.connect());
    await until(() => client.events.includes('disconnected'));
    await settles(client.exists('/'));
  });
});

describe('7', () => {
  defect('close() before connect() is harmless', async (make) => {
    await inTime(make('127.0.0.1:1', 1000).close());
  });

  defect('close() is bounded with a server that has stopped answering', async (make) => {
    const server = await startScriptedServer(async (connection) => {
      await connection.shakeHands();
    });
    const client = make(`127.0.0.1:${server.port}`, 4000);
    await inTime(client.connect());
    await settles(client.close());
  });
});

describe('8', () => {
  defect('the first xid is not 0', async (make) => {
    let xid = -1;
    const server = await startScriptedServer(async (connection) => {
      await connection.shakeHands();
      const request = await connection.frame();
      xid = request?.readInt32BE(0) ?? -1;
      connection.answer(xid, 0, STAT);
    });
    const client = made(make(`127.0.0.1:${server.port}`, 4000));
    await inTime(client.connect());
    await inTime(client.exists('/'));
    expect(xid).toBe(1);
  });
});

describe('9', () => {
  defect('pings are sent also while the server sends events', async (make) => {
    let pings = 0;
    const server = await startScriptedServer(async (connection) => {
      await connection.shakeHands({ timeoutMs: 1500 });
      // An event without a watch, more often than a ping is due.
      const events = setInterval(() => {
        connection.send(int(-1), long(0n), int(0), int(3), int(3), bytes(Buffer.from('/talk')));
      }, 100);
      onTestFinished(() => clearInterval(events));
      for (let frame = await connection.frame(); frame; frame = await connection.frame()) {
        if (frame.readInt32BE(0) === -2) {
          pings += 1;
          connection.answer(-2);
        }
      }
    });
    const client = make(`127.0.0.1:${server.port}`, 1500);
    await inTime(client.connect());
    await until(() => pings > 0);
    await settles(client.close()).catch(() => {});
  });
});

describe('10', () => {
  defect('an IPv6 host in brackets is that host', async (make) => {
    const { host, port } = sharedServer();
    // Reached over IPv6 by a proxy that listens there.
    const { createServer, connect } = await import('node:net');
    const six = createServer((socket) => {
      const up = connect(port, host);
      socket.on('error', () => up.destroy()).pipe(up);
      up.on('error', () => socket.destroy()).pipe(socket);
    });
    await new Promise<void>((resolve, reject) => {
      six.once('error', reject).listen(0, '::1', resolve);
    });
    try {
      const { port: sixPort } = six.address() as { port: number };
      const client = make(`[::1]:${sixPort}`, 2000);
      await inTime(client.connect());
      await settles(client.close());
    } finally {
      six.close();
    }
  });
});

/** In a process of its own: `works` when the client connected a second time. */
describe.each([
  [
    '3: half a frame at the end of one connection',
    async (connection) => {
      await connection.shakeHands();
      const asked = await connection.frame();
      if (connection.number > 1) return connection.answer(xidOf(asked), 0, STAT);
      // The beginning of an answer, then nothing.
      connection.socket.end(framed(int(1), long(1n), int(0), STAT).subarray(0, 30));
    },
  ],
  [
    '4: an error code that is not in its table',
    async (connection) => {
      await connection.shakeHands();
      for (let frame = await connection.frame(); frame; frame = await connection.frame()) {
        const xid = frame.readInt32BE(0);
        if (xid < 0) continue;
        connection.answer(xid, xid <= 1 ? -125 : 0, ...(xid <= 1 ? [] : [STAT]));
      }
    },
  ],
  [
    '4: a watch event of a type that it does not know',
    async (connection) => {
      await connection.shakeHands();
      connection.send(int(-1), long(0n), int(0), int(99), int(3), bytes(Buffer.from('/x')));
      for (let frame = await connection.frame(); frame; frame = await connection.frame()) {
        if (frame.readInt32BE(0) >= 0) connection.answer(frame.readInt32BE(0), 0, STAT);
      }
    },
  ],
] as [string, Script][])('%s', (_, script) => {
  it('ends or disables the bare client; the session continues', async () => {
    const server = await startScriptedServer(script);
    expect(await outcomeOf('bare', server.port)).not.toBe('works');
    const again = await startScriptedServer(script);
    expect(await outcomeOf('lockex', again.port)).toBe('works');
  });
});

describe('6: a request that is repeated at once while the connection ends', () => {
  const script: Script = async (connection) => {
    await connection.shakeHands();
    const asked = await connection.frame();
    if (connection.number === 1) return void connection.socket.destroy();
    connection.answer(xidOf(asked), 0, STAT);
  };

  it('ends the bare client’s process; the session continues', async () => {
    const server = await startScriptedServer(script);
    expect(await outcomeOf('bare', server.port, 'again')).not.toBe('works');
    const again = await startScriptedServer(script);
    expect(await outcomeOf('lockex', again.port, 'again')).toBe('works');
  });
});

function xidOf(request: Buffer | null): number {
  return request?.readInt32BE(0) ?? Number.NaN;
}

let child: string;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lockex-test-'));
  child = join(directory, 'child.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('defect-child.ts', import.meta.url))],
    outfile: child,
    bundle: true,
    format: 'esm',
    platform: 'node',
    banner: {
      js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);",
    },
  });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** `works`, or how the process ended. */
async function outcomeOf(which: 'bare' | 'lockex', port: number, mode = 'once'): Promise<string> {
  const { stdout, status, signal } = await run(
    process.execPath,
    [child, which, String(port), mode],
    {
      maxLifeMs: PATIENCE_MS,
    },
  );
  return stdout.trim() || `ended with ${signal ?? status}`;
}
