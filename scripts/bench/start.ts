/** Measures a run, from start to end, of a command that does nothing. */

import { spawnSync } from 'node:child_process';
import { api } from './etcd.ts';
import type { Program } from './programs.ts';
import type { Section } from './report.ts';

const ROUNDS = 25;
/** Rounds that are not counted: a server needs a few hundred requests to reach its full speed. */
const WARM_UP = 10;

export async function measureStart(programs: readonly Program[]): Promise<Section> {
  const commands = [
    { name: 'node -e 0', argv: ['node', '-e', '0'] },
    ...programs.map(({ name, argv }) => ({ name, argv: argv('start', ['true']) })),
  ];
  const rows = commands.map(({ name }) => ({ name, values: [] as number[] }));
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    for (const [index, { argv }] of commands.entries()) {
      const [program = '', ...args] = argv;
      const began = performance.now();
      const { status, error } = spawnSync(program, args, { stdio: 'ignore', env: api() });
      if (error || status !== 0) throw new Error(`${argv.join(' ')} failed: ${error ?? status}`);
      if (round >= 0) rows[index]?.values.push(performance.now() - began);
    }
  }
  return {
    title: 'Start to end',
    unit: 'ms',
    note:
      'Of `true` under a lock without other contenders, on an idle local server that ' +
      'has been running for a while. `node -e 0` is what any program on Node costs. ' +
      '“Over the first” is the median of the differences within each turn.',
    rows,
    isInTurns: true,
  };
}
