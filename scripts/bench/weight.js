/** Memory and CPU of programs that hold and that wait, with all their helpers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { api } from './etcd.js';
import { CpuMeter, familyOf, memoryOf } from './process-facts.js';
import { packetsOf } from './scale.js';

const FURTHER = 8;
const SETTLING_MS = 2000;
/** After this long a start is over: its requests are answered, and the first garbage is collected. */
const QUIET_MS = 20_000;
const WINDOW_MS = 60_000;
const READING_MS = 1000;
const COMMAND = ['sleep', '3600'];

/** @typedef {import('./programs.js').Program} Program */
/** @typedef {import('./report.js').Row} Row */

/**
 * @param {readonly Program[]} programs
 * @param {import('../servers/zookeeper.js').Server} server
 * @returns {Promise<import('./report.js').Section[]>}
 */
export async function measureWeight(programs, server) {
  /** @type {Row[]} */
  const memory = [];
  /** @type {Row[]} */
  const cpu = [];
  /** @type {Row[]} */
  const requests = [];
  for (const program of programs) {
    const crew = new Crew(program);
    try {
      const holder = await crew.start();
      const first = await crew.start();
      const alone = memoryOf([first], 'Rss');
      const others = [];
      for (let count = 0; count < FURTHER; count += 1) others.push(await crew.start());
      memory.push(
        { name: `${program.name}: one that waits, alone, resident`, values: [alone] },
        {
          name: `${program.name}: each further one that waits, private, with helpers`,
          values: others.map((pid) => memoryOf(familyOf(pid), 'Private')),
        },
      );
      if (program.name.startsWith('lockex')) {
        const [running, next, waiting] = await spentBy([holder, first, ...others.slice(0, 1)]);
        cpu.push({ name: `${program.name}: while the command runs`, values: [running ?? 0] });
        cpu.push({ name: `${program.name}: next in line`, values: [next ?? 0] });
        cpu.push({ name: `${program.name}: further back`, values: [waiting ?? 0] });
      }
    } finally {
      await crew.end();
    }
  }
  const [ours] = programs;
  if (ours) requests.push(...(await requestsOf(ours, server)));
  return [
    {
      title: 'Memory',
      unit: 'MB',
      note: `One holds the lock, the others wait; ${FURTHER} further ones are measured, with gate and guard (\`/proc/PID/smaps_rollup\`).`,
      rows: memory,
    },
    {
      title: 'CPU',
      unit: '% of a core',
      note: `At the default session timeout of 30 s, lockex and its helpers together, over ${WINDOW_MS / 1000} s (\`schedstat\`, threads that have ended included).`,
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

class Crew {
  #program;
  /** @type {import('node:child_process').ChildProcess[]} */
  #children = [];

  /** @param {Program} program */
  constructor(program) {
    this.#program = program;
  }

  /** Its pid, once it has settled. */
  async start() {
    const [program = '', ...words] = this.#program.argv('weight', COMMAND);
    const child = spawn(program, words, { stdio: 'ignore', env: api() });
    this.#children.push(child);
    await pause(SETTLING_MS);
    return child.pid ?? 0;
  }

  async end() {
    // From the back: nobody is to be granted what is being given up.
    for (const child of this.#children.reverse()) {
      const ended = once(child, 'exit');
      // etcdctl waits for its command, and flock's and kazoo's outlive them.
      const commands = this.#program.name.startsWith('lockex') ? [] : familyOf(child.pid ?? 0);
      child.kill('SIGTERM');
      for (const pid of commands) endIfThere(pid);
      await ended;
    }
  }
}

/** % of a core for each, helpers included. @param {number[]} pids */
async function spentBy(pids) {
  await pause(QUIET_MS);
  const meters = pids.map((pid) => new CpuMeter(familyOf(pid)));
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

/** @param {Program} program @param {import('../servers/zookeeper.js').Server} server */
async function requestsOf(program, server) {
  const crew = new Crew(program);
  /** @type {{ name: string, all: number }[]} */
  const counts = [];
  try {
    // Each alone is not to be had: what comes with one more is its own.
    for (const name of ['the holder', 'the next in line', 'each further waiter']) {
      await crew.start();
      // What a start asks for is not of an idle minute.
      await pause(QUIET_MS);
      const before = await packetsOf([server]);
      await pause(WINDOW_MS);
      const all = (await packetsOf([server])) - before;
      counts.push({ name, all });
    }
  } finally {
    await crew.end();
  }
  // mntr itself is a packet.
  return counts.map(({ name, all }, index) => ({
    name,
    values: [all - (counts[index - 1]?.all ?? 1)],
  }));
}

/** @param {number} pid */
function endIfThere(pid) {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has ended.
  }
}

/** @param {number} ms */
async function pause(ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
