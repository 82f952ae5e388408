/** Loopback addresses for servers under test: free ports, and ZooKeeper's four-letter words. */

import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

export const LOOPBACK = '127.0.0.1';

/**
 * Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections,
 * so that a server that is down for a restart finds its port free when it comes back.
 */
const PORTS = { from: 15_000, to: 32_000 };

/** A free port could be taken between looking and listening; whoever listens must cope. */
export async function freePort() {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${PORTS.from} and ${PORTS.to}`);
}

/** @returns ports that differ */
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
 * Words") and gives back all that the server says before it closes the connection.
 *
 * @param options 2000 ms when not given
 * @returns rejects when nobody listens, or nothing came in time
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
    // Not end(): half-closing makes ZooKeeper drop the connection before it has answered.
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
