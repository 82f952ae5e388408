/** Loopback addresses for servers under test: free ports, and ZooKeeper's four-letter words. */

import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

export const LOOPBACK = '127.0.0.1';

/**
 * Below the range of ports for outgoing connections on Linux (from 32768) and macOS (from 49152),
 * so that the port of a server stays free while it restarts.
 */
const PORTS = { from: 15_000, to: 32_000 };

/** Another process may take the port before the caller listens; the caller has to handle that. */
export async function freePort() {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${PORTS.from} and ${PORTS.to}`);
}

/** Returns distinct ports. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: Set<number> = new Set();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
}

/**
 * Sends one of ZooKeeper's four-letter words (ZooKeeper Administrator's Guide, "The Four Letter
 * Words") and returns the server's reply.
 *
 * @param options timeoutMs: default 2000
 * @returns rejects if no server listens or the reply takes too long
 */
export function fourLetterWord(
  port: number,
  word: string,
  { timeoutMs = 2000, host = LOOPBACK }: { timeoutMs?: number; host?: string } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ port, host });
    const timer = setTimeout(
      () => socket.destroy(new Error(`no answer to ${word} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    socket.setEncoding('utf8');
    // Not end(): ZooKeeper closes a half-closed connection without a reply.
    socket.once('connect', () => socket.write(word));
    socket.on('data', (text) => {
      answer += text;
    });
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}
