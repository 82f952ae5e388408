/** Many contenders in a few processes (crowd.ts). */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions, shims } from '../build/bundle.ts';

export interface CrowdSettings {
  hosts: { host: string; port: number }[];
  count: number;
  /** The number of its first member. */
  first: number;
  /** The members are distributed over this many locks. */
  lockCount: number;
  timeoutMs: number;
}

export type CrowdOrder = 'connect' | 'join' | 'pass' | 'end';

export type CrowdEvent =
  | { type: 'connected' | 'queued'; number: number }
  | {
      type: 'granted' | 'released' | 'suspended' | 'resumed' | 'lost';
      number: number;
      at: number;
      why?: string;
    };

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const PATIENCE_MS = 120_000;

export function hostsOf(connectString: string): { host: string; port: number }[] {
  return connectString.split(',').map((address) => {
    const [host = '', port = ''] = address.split(':');
    return { host, port: Number(port) };
  });
}

export class Crowds {
  events: CrowdEvent[] = [];
  #children: ChildProcess[] = [];
  #directory = mkdtempSync(join(tmpdir(), 'lockex-crowds-'));
  #count = 0;

  /** @param settings count: of all together */
  async start({
    processes,
    count,
    ...settings
  }: Omit<CrowdSettings, 'first'> & { processes: number }) {
    const outfile = join(this.#directory, 'crowd.cjs');
    const entryPoints = ['scripts/bench/crowd.ts'];
    await build({ ...bundleOptions(ROOT), plugins: [shims(ROOT)], entryPoints, outfile });
    this.#count = count;
    const share = Math.ceil(count / processes);
    for (let first = 0; first < count; first += share) {
      const part = { ...settings, first, count: Math.min(share, count - first) };
      const child = fork(outfile, [JSON.stringify(part)], { serialization: 'advanced' });
      child.on('message', (event) => this.events.push(event as CrowdEvent));
      this.#children.push(child);
    }
    this.order('connect');
    await this.until('connected', count);
  }

  get pids(): number[] {
    return this.#children.map(({ pid }) => pid ?? 0);
  }

  order(order: CrowdOrder) {
    for (const child of this.#children) child.send(order);
  }

  of(type: CrowdEvent['type']): CrowdEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  /** When each event of this type happened, in ms of performance.timeOrigin. */
  timesOf(type: CrowdEvent['type']): number[] {
    return this.of(type).flatMap((event) => ('at' in event ? [event.at] : []));
  }

  async until(type: CrowdEvent['type'], count: number = this.#count) {
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
