/**
 * Measures the time from the end of the holder's command to the start of the next waiter's. Both
 * print the time with `date +%s%N`; that process is included in every figure.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { api } from './etcd.ts';
import type { Program } from './programs.ts';
import type { Section } from './report.ts';

const ROUNDS = 15;
const CLOCK = 'exec date +%s%N';
/** Long enough to join the queue; the measured time begins after that. */
const QUEUEING_MS = 1500;

export async function measureHandover(
  programs: readonly Program[],
  directory: string,
): Promise<Section> {
  const fifo = join(directory, 'fifo');
  spawnSync('mkfifo', [fifo]);
  const rows = programs.map(({ name }) => ({ name, values: [] as number[] }));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, { argv }] of programs.entries()) {
      rows[index]?.values.push(await handover(argv, fifo));
    }
  }
  return {
    title: 'Handover',
    unit: 'ms',
    note:
      "From the last thing that the holder's command does to the first of the next " +
      "waiter's; one waiter. Each side calls `date` for it, which takes one to two " +
      'milliseconds itself.',
    rows,
  };
}

async function handover(argv: Program['argv'], fifo: string) {
  const start = (script: string) => {
    const [program = '', ...args] = argv('handover', ['sh', '-c', script]);
    const child = spawn(program, args, { env: api(), stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    return { child, output: () => output, ended: once(child, 'close') };
  };
  // By a FIFO and not stdin, which etcdctl does not forward.
  const holder = start(`echo held; read line <${fifo}; ${CLOCK}`);
  while (!holder.output().includes('held')) {
    await Promise.race([once(holder.child.stdout, 'data'), holder.ended]);
    if (holder.child.exitCode !== null) throw new Error(`${holder.child.spawnargs} did not hold`);
  }
  const waiter = start(CLOCK);
  await new Promise((resolve) => setTimeout(resolve, QUEUEING_MS));
  writeFileSync(fifo, '\n');
  await Promise.all([holder.ended, waiter.ended]);
  const ended = holder.output().trim().split('\n').at(-1) ?? '';
  const began = waiter.output().trim().split('\n').at(-1) ?? '';
  return Number(BigInt(began) - BigInt(ended)) / 1e6;
}
