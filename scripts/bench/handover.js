/**
 * From the end of the holder's command to the first instruction of the next waiter's: both print the
 * clock (`date +%s%N`), which costs a process itself; that cost is in every figure alike.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { api } from './etcd.js';

const PROGRAM = fileURLToPath(new URL('../../dist/lockex.js', import.meta.url));
const ROUNDS = 15;
const CLOCK = 'date +%s%N';
/** Holds until a line comes on stdin, then says when it ended. */
const HOLDING = `echo held; read line; ${CLOCK}`;

/**
 * @param {string} hosts
 * @param {{ endpoint: string } | null} etcd
 * @returns {Promise<import('./report.js').Section>}
 */
export async function measureHandover(hosts, etcd) {
  const base = ['-q', '-z', hosts, '-i', 'handover', '--'];
  const contenders = [{ name: 'lockex', argv: [PROGRAM, ...base] }];
  if (etcd) {
    const argv = ['etcdctl', '--endpoints', etcd.endpoint, 'lock', 'handover', '--'];
    contenders.push({ name: 'etcdctl lock', argv });
  }
  const rows = contenders.map(({ name }) => ({ name, values: /** @type {number[]} */ ([]) }));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, { argv }] of contenders.entries()) {
      rows[index]?.values.push(await handover(argv));
    }
  }
  return {
    title: 'Handover',
    unit: 'ms',
    note: "From the last thing that the holder's command does to the first of the next waiter's; one waiter. Each side calls `date` for it, which takes one to two milliseconds itself.",
    rows,
  };
}

/** @param {string[]} argv */
async function handover([program = '', ...words]) {
  const start = (/** @type {string} */ script) => {
    const child = spawn(program, [...words, 'sh', '-c', script], { env: api() });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    child.stderr.resume();
    return { child, said: () => said, ended: once(child, 'close') };
  };
  const holder = start(HOLDING);
  while (!holder.said().includes('held')) await once(holder.child.stdout, 'data');
  const waiter = start(CLOCK);
  // Long enough to stand in the queue: what is measured begins after that.
  await new Promise((resolve) => setTimeout(resolve, 700));
  holder.child.stdin.end('\n');
  await Promise.all([holder.ended, waiter.ended]);
  const ended = holder.said().trim().split('\n').at(-1) ?? '';
  return Number(BigInt(waiter.said().trim()) - BigInt(ended)) / 1e6;
}
