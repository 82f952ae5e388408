/** Memory and CPU of holders and waiters, with their helper processes. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from '../servers/zookeeper.ts';
import { api } from './etcd.ts';
import { CpuMeter, descendantsOf, memoryOf } from './process-facts.ts';
import type { Program } from './programs.ts';
import type { Row, Section } from './report.ts';
import { packetsOf } from './scale.ts';

const FURTHER = 8;
const SETTLING_MS = 2000;
/** Time after which the effects of a start are over: requests and the first garbage collection. */
const QUIET_MS = 20_000;
const WINDOW_MS = 60_000;
const READING_MS = 1000;
const COMMAND = ['sleep', '3600'];

export async function measureWeight(
  programs: readonly Program[],
  server: Server,
): Promise<Section[]> {
  const memory: Row[] = [];
  const cpu: Row[] = [];
  const requests: Row[] = [];
  for (const program of programs) {
    const contenders = new Contenders(program);
    try {
      const holder = await contenders.start();
      const first = await contenders.start();
      const alone = memoryOf([first], 'Rss');
      const others = [];
      for (let count = 0; count < FURTHER; count += 1) others.push(await contenders.start());
      memory.push(
        { name: `${program.name}: one that waits, alone, resident`, values: [alone] },
        {
          name: `${program.name}: each further one that waits, private, with helpers`,
          values: others.map((pid) => memoryOf(descendantsOf(pid), 'Private')),
        },
      );
      if (program.name.startsWith('lockex')) {
        const [running, next, waiting] = await spentBy([holder, first, ...others.slice(0, 1)]);
        cpu.push({ name: `${program.name}: while the command runs`, values: [running ?? 0] });
        cpu.push({ name: `${program.name}: next in line`, values: [next ?? 0] });
        cpu.push({ name: `${program.name}: further back`, values: [waiting ?? 0] });
      }
    } finally {
      await contenders.end();
    }
  }
  const [lockex] = programs;
  if (lockex) requests.push(...(await requestsOf(lockex, server)));
  return [
    {
      title: 'Memory',
      unit: 'MB',
      note:
        `One holds the lock, the others wait; ${FURTHER} further ones are measured, ` +
        'with gate and guard (`/proc/PID/smaps_rollup`).',
      rows: memory,
    },
    {
      title: 'CPU',
      unit: '% of a core',
      note:
        'At the default session timeout of 30 s, lockex and its helpers together, over ' +
        `${WINDOW_MS / 1000} s (\`schedstat\`, threads that have ended included).`,
      rows: cpu,
    },
    {
      title: 'Requests in an idle minute',
      unit: 'requests',
      note: 'What the server received in 60 s at T = 30 s, pings included.',
      rows: requests,
    },
  ];
}

class Contenders {
  #program;
  #children: ChildProcess[] = [];

  constructor(program: Program) {
    this.#program = program;
  }

  /** Returns its pid after SETTLING_MS. */
  async start() {
    const [program = '', ...args] = this.#program.argv('weight', COMMAND);
    const child = spawn(program, args, { stdio: 'ignore', env: api() });
    this.#children.push(child);
    await pause(SETTLING_MS);
    return child.pid ?? 0;
  }

  async end() {
    // From the back, so that no waiter is granted the lock.
    for (const child of this.#children.reverse()) {
      const ended = once(child, 'exit');
      // etcdctl waits for its command, and flock's and kazoo's outlive them.
      const commands = this.#program.name.startsWith('lockex') ? [] : descendantsOf(child.pid ?? 0);
      child.kill('SIGTERM');
      for (const pid of commands) endIfThere(pid);
      await ended;
    }
  }
}

/** % of a core for each, helpers included. */
async function spentBy(pids: number[]) {
  await pause(QUIET_MS);
  const meters = pids.map((pid) => new CpuMeter(descendantsOf(pid)));
  const before = meters.map((meter) => meter.read());
  const begun = performance.now();
  let after = before;
  while (performance.now() < begun + WINDOW_MS) {
    await pause(READING_MS);
    after = meters.map((meter) => meter.read());
  }
  const windowMs = performance.now() - begun;
  return after.map((spent, index) => ((spent - (before[index] ?? 0)) / windowMs) * 100);
}

async function requestsOf(program: Program, server: Server) {
  const contenders = new Contenders(program);
  const counts: { name: string; all: number }[] = [];
  try {
    // Measured together: the increase is that of the new contender.
    for (const name of ['the holder', 'the next in line', 'each further waiter']) {
      await contenders.start();
      // Excludes the requests of the start.
      await pause(QUIET_MS);
      const before = await packetsOf([server]);
      await pause(WINDOW_MS);
      const all = (await packetsOf([server])) - before;
      counts.push({ name, all });
    }
  } finally {
    await contenders.end();
  }
  // mntr itself is a packet.
  return counts.map(({ name, all }, index) => ({
    name,
    values: [all - (counts[index - 1]?.all ?? 1)],
  }));
}

function endIfThere(pid: number) {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has ended.
  }
}

async function pause(ms: number) {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
