/** From start to end of a command that does nothing. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { api } from './etcd.js';

const PROGRAM = fileURLToPath(new URL('../../dist/lockex.js', import.meta.url));
const ROUNDS = 25;

/**
 * @param {string} hosts
 * @param {{ endpoint: string } | null} etcd
 * @returns {Promise<import('./report.js').Section>}
 */
export async function measureStart(hosts, etcd) {
  const folder = mkdtempSync(join(tmpdir(), 'lockex-bench-'));
  const commands = [
    { name: 'node -e 0', argv: ['node', '-e', '0'] },
    { name: 'lockex -- true', argv: [PROGRAM, '-q', '-z', hosts, '-i', 'start', '--', 'true'] },
    {
      name: 'lockex --no-guard -- true',
      argv: [PROGRAM, '-q', '--no-guard', '-z', hosts, '-i', 'start', '--', 'true'],
    },
    { name: 'flock FILE true', argv: ['flock', join(folder, 'lock'), 'true'] },
  ];
  if (etcd) {
    const argv = ['etcdctl', '--endpoints', etcd.endpoint, 'lock', 'start', 'true'];
    commands.push({ name: 'etcdctl lock x true', argv });
  }
  const rows = commands.map(({ name }) => ({ name, values: /** @type {number[]} */ ([]) }));
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [index, { argv }] of commands.entries()) {
        const [program = '', ...words] = argv;
        const began = performance.now();
        const { status, error } = spawnSync(program, words, { stdio: 'ignore', env: api() });
        if (error || status !== 0) throw new Error(`${argv.join(' ')} failed: ${error ?? status}`);
        rows[index]?.values.push(performance.now() - began);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    title: 'Start to end',
    unit: 'ms',
    note: 'An idle local server, one member. `node -e 0` is what any program on Node costs. “Over the first” is the median of the differences within each turn.',
    rows,
    isInTurns: true,
  };
}
