/** Memory and CPU of a lockex that runs a command and of one that waits, with gate and guard. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../dist/lockex.js', import.meta.url));
const WINDOW_S = 30;
const TICKS_PER_S = 100;

/** @param {string} hosts @returns {Promise<import('./report.js').Section>} */
export async function measureWeight(hosts) {
  const start = () => {
    const words = ['-q', '-z', hosts, '-i', 'weight', '--', 'sleep', '600'];
    return spawn(process.execPath, [PROGRAM, ...words], { stdio: 'ignore' });
  };
  const holder = start();
  await settled();
  const waiter = start();
  await settled();
  try {
    const sides = [
      { name: 'running', child: holder },
      { name: 'waiting', child: waiter },
    ];
    const before = sides.map(({ child }) => ticksOf(familyOf(child.pid ?? 0)));
    await new Promise((resolve) => setTimeout(resolve, WINDOW_S * 1000));
    const rows = sides.flatMap(({ name, child }, index) => {
      const family = familyOf(child.pid ?? 0);
      const spent = ticksOf(family) - (before[index] ?? 0);
      const kinds = { node: [child.pid ?? 0], helpers: family.filter((pid) => pid !== child.pid) };
      return [
        { name: `${name}: lockex itself, private MB`, values: [memoryOf(kinds.node, 'Private')] },
        { name: `${name}: lockex itself, Pss MB`, values: [memoryOf(kinds.node, 'Pss')] },
        {
          name: `${name}: gate and guard, private MB`,
          values: [memoryOf(kinds.helpers, 'Private')],
        },
        {
          name: `${name}: CPU, % of a core`,
          values: [(spent / TICKS_PER_S / WINDOW_S) * 100],
        },
      ];
    });
    return {
      title: 'Weight',
      unit: 'as named',
      note: `The default session timeout of 30 s; CPU over ${WINDOW_S} s, counted in steps of 10 ms. The command (\`sleep\`) is among the helpers.`,
      rows,
    };
  } finally {
    for (const child of [holder, waiter]) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }
}

/** What a start costs is not what it weighs. */
async function settled() {
  await new Promise((resolve) => setTimeout(resolve, 3000));
}

/** A process and all its descendants. @param {number} root @returns {number[]} */
function familyOf(root) {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: Number(fieldsOf(name)[1]) }));
  const family = [root];
  for (const pid of family) {
    for (const process of parents) if (process.parent === pid) family.push(process.pid);
  }
  return family;
}

/** The fields of /proc/PID/stat behind the name: state is 0. @param {string | number} pid */
function fieldsOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** Clock ticks of CPU so far, those of ended children included. @param {number[]} pids */
function ticksOf(pids) {
  return pids
    .map((pid) =>
      fieldsOf(pid)
        .slice(11, 15)
        .map(Number)
        .reduce((a, b) => a + b, 0),
    )
    .reduce((a, b) => a + b, 0);
}

/** MB by /proc/PID/smaps_rollup. @param {number[]} pids @param {'Private' | 'Pss'} kind */
function memoryOf(pids, kind) {
  const pattern = kind === 'Pss' ? /^Pss:\s+(\d+)/gm : /^Private_\w+:\s+(\d+)/gm;
  const kilobytes = pids.flatMap((pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    return [...rollup.matchAll(pattern)].map((match) => Number(match[1]));
  });
  return kilobytes.reduce((a, b) => a + b, 0) / 1024;
}
