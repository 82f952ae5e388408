/**
 * Shows on standard error what a script is doing and for how long: on a terminal in one line that
 * counts the seconds, elsewhere in a few plain lines. Plain JavaScript: it runs before npm's
 * packages are installed.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';

const TERMINAL_EVERY_MS = 1000;
const PLAIN_EVERY_MS = 15_000;
const ERASE_LINE = '\r\x1b[K';

/**
 * @template T
 * @param {string} title such as 'installing zookeeper'
 * @param {() => Promise<T>} work
 * @returns {Promise<T>} the result of `work`; the caller reports its failure
 */
export async function withProgress(title, work) {
  const terminal = process.stderr.isTTY === true;
  const startedAt = performance.now();
  const seconds = () => `${Math.round((performance.now() - startedAt) / 1000)} s`;
  const show = () =>
    process.stderr.write(
      terminal ? `${ERASE_LINE}${title} … ${seconds()}` : `${title} … ${seconds()}\n`,
    );
  process.stderr.write(terminal ? `${title} …` : `${title} …\n`);
  const timer = setInterval(show, terminal ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (terminal) process.stderr.write(`${ERASE_LINE}${title}: ${seconds()}\n`);
  }
}

/**
 * Runs a command without showing its output, unless it fails: then all of it is in the error.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export async function runQuietly(command, args, options = {}) {
  let output = '';
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const [status, signal] = await once(child, 'close');
  if (status === 0) return;
  throw new Error(`${[command, ...args].join(' ')} failed (${signal ?? status}):\n${output}`);
}
