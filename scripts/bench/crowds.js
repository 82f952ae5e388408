/** Crowds of contenders in a few processes, for what only shows with many (crowd.js). */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions, shims } from '../build/bundle.js';

/**
 * @typedef {object} CrowdSettings
 * @property {{ host: string, port: number }[]} hosts
 * @property {number} count
 * @property {number} first number of its first member
 * @property {number} lockCount members are dealt to that many locks
 * @property {number} timeoutMs
 * @typedef {'connect' | 'join' | 'pass' | 'end'} CrowdOrder
 * @typedef {{ type: 'connected' | 'queued', number: number }
 *   | { type: 'granted' | 'released' | 'suspended' | 'resumed' | 'lost', number: number, at: number,
 *       why?: string }} CrowdEvent
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const PATIENCE_MS = 120_000;

/** @param {string} connectString @returns {{ host: string, port: number }[]} */
export function hostsOf(connectString) {
  return connectString.split(',').map((address) => {
    const [host = '', port = ''] = address.split(':');
    return { host, port: Number(port) };
  });
}

export class Crowds {
  /** @type {CrowdEvent[]} */
  events = [];
  /** @type {import('node:child_process').ChildProcess[]} */
  #children = [];
  #directory = mkdtempSync(join(tmpdir(), 'lockex-crowds-'));
  #count = 0;

  /** @param {Omit<CrowdSettings, 'first'> & { processes: number }} settings count: of all together */
  async start({ processes, count, ...settings }) {
    const outfile = join(this.#directory, 'crowd.cjs');
    const entryPoints = ['scripts/bench/crowd.js'];
    await build({ ...bundleOptions(ROOT), plugins: [shims(ROOT)], entryPoints, outfile });
    this.#count = count;
    const share = Math.ceil(count / processes);
    for (let first = 0; first < count; first += share) {
      const part = { ...settings, first, count: Math.min(share, count - first) };
      const child = fork(outfile, [JSON.stringify(part)], { serialization: 'advanced' });
      child.on('message', (event) => this.events.push(/** @type {CrowdEvent} */ (event)));
      this.#children.push(child);
    }
    this.order('connect');
    await this.until('connected', count);
  }

  /** @returns {number[]} */
  get pids() {
    return this.#children.map(({ pid }) => pid ?? 0);
  }

  /** @param {CrowdOrder} order */
  order(order) {
    for (const child of this.#children) child.send(order);
  }

  /** @param {CrowdEvent['type']} type @returns {any[]} */
  of(type) {
    return this.events.filter((event) => event.type === type);
  }

  /** @param {CrowdEvent['type']} type @param {number} count */
  async until(type, count = this.#count) {
    const bound = performance.now() + PATIENCE_MS;
    while (this.of(type).length < count) {
      if (performance.now() > bound) {
        throw new Error(`${this.of(type).length} of ${count} contenders were ${type} in time`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async end() {
    const ended = this.#children
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((child) => once(child, 'exit'));
    for (const child of this.#children) if (child.connected) child.send('end');
    await Promise.all(ended);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
