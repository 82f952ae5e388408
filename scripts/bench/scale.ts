/** A thousand contenders: on one lock, on as many locks, and when their leader is killed. */

import type { Ensemble, Server } from '../servers/zookeeper.ts';
import { Crowds, hostsOf } from './crowds.ts';
import { CpuMeter, memoryOf } from './process-facts.ts';
import { quantile, type Row, type Section } from './report.ts';

const CROWD = 1000;
const PROCESSES = 4;
const TIMEOUT_MS = 30_000;
const IDLE_MS = 20_000;
/** Number of handovers that are measured. */
const TIMED = 100;

/**
 * Handover with an increasing number of waiters, which are sessions without a command: the time
 * from the release to the next confirmed grant, and the number of packets.
 */
export async function measureQueues(server: Server): Promise<Section[]> {
  const times = [];
  const requests = [];
  for (const waiters of [1, 10, 100, 1000]) {
    const crowds = new Crowds();
    try {
      const hosts = hostsOf(server.connectString);
      const processes = Math.min(PROCESSES, waiters);
      const settings = { hosts, lockCount: 1, timeoutMs: TIMEOUT_MS };
      await crowds.start({ ...settings, processes, count: waiters + 1 });
      crowds.order('join');
      await crowds.until('queued', waiters);
      await settled();
      const before = await packetsOf([server]);
      crowds.order('pass');
      await crowds.until('granted');
      await crowds.until('released');
      const name = `${waiters} ${waiters === 1 ? 'waiter' : 'waiters'}`;
      times.push({ name, values: handoversOf(crowds).slice(0, TIMED) });
      requests.push({ name, values: [((await packetsOf([server])) - before) / waiters] });
    } finally {
      await crowds.end();
    }
  }
  return [
    {
      title: 'Handover in a long queue',
      unit: 'ms',
      note:
        `Sessions without a command, in ${PROCESSES} processes: from the moment at ` +
        'which a holder gives back to the next one’s confirmed grant, with that many ' +
        `waiters in the queue at first (the first ${TIMED} handovers).`,
      rows: times,
    },
    {
      title: 'Packets for each handover',
      unit: 'packets',
      note:
        'What the server received from the first release to the last, for each ' +
        'handover: delete and closeSession of the one who goes; of the one who comes, ' +
        'one look at the queue (getChildren2) and one proof (a confirmation, and exists' +
        ' with the watch on its node).',
      rows: requests,
    },
  ];
}

export async function measureScale(ensemble: Ensemble): Promise<Section[]> {
  const hosts = hostsOf(ensemble.connectString);
  const { members } = ensemble;
  const common = { hosts, count: CROWD, processes: PROCESSES, timeoutMs: TIMEOUT_MS };
  const rows: Row[] = [];
  const add = (name: string, value: number) => rows.push({ name, values: [value] });

  const queue = new Crowds();
  try {
    const bare = new Crowds();
    await bare.start({ ...common, count: PROCESSES, lockCount: 1 });
    const without = memoryOf(bare.pids, 'Private');
    await bare.end();
    const connecting = performance.now();
    await queue.start({ ...common, lockCount: 1 });
    add('one lock: all sessions made, s', seconds(connecting));
    const joining = performance.now();
    queue.order('join');
    await queue.until('queued', CROWD - 1);
    add('one lock: all have joined, s', seconds(joining));
    await settled();
    add(
      'one lock: memory of a waiting session, kB',
      ((memoryOf(queue.pids, 'Private') - without) / CROWD) * 1024,
    );
    const idle = await loadOf(members);
    add('one lock: servers’ CPU with 999 waiting, % of a core', idle.cpu);
    add('one lock: packets a second', idle.packets);
    const transient = performance.now();
    queue.order('pass');
    await queue.until('released');
    add('one lock: grants a second', CROWD / seconds(transient));
  } finally {
    await queue.end();
  }

  const crowd = new Crowds();
  try {
    await crowd.start({ ...common, lockCount: CROWD });
    const joining = performance.now();
    crowd.order('join');
    await crowd.until('granted');
    add('1000 locks: grants a second', CROWD / seconds(joining));
    await settled();
    const holding = await loadOf(members);
    add('1000 locks: servers’ CPU with all held, % of a core', holding.cpu);
    add('1000 locks: packets a second', holding.packets);
    const leader = await ensemble.leader();
    const killedAt = performance.timeOrigin + performance.now();
    await leader.kill();
    const isCut = () => crowd.of('suspended').length > 0 && !isAnyDisconnected(crowd);
    await until(isCut, TIMEOUT_MS * 2);
    await settled();
    await until(isCut, TIMEOUT_MS * 2);
    const back = crowd.timesOf('resumed').map((at) => (at - killedAt) / 1000);
    add('leader killed: holders that were cut off', crowd.of('suspended').length);
    add('leader killed: until half of them were back, s', quantile(back, 0.5));
    add('leader killed: until all were back, s', Math.max(...back));
    add('leader killed: locks lost', crowd.of('lost').length);
    crowd.order('pass');
    await crowd.until('released', CROWD - crowd.of('lost').length);
  } finally {
    await crowd.end();
  }
  return [
    {
      title: 'A thousand contenders',
      unit: 'as named',
      note:
        `Against three members on the same machine, T = ${TIMEOUT_MS / 1000} s; ` +
        `sessions without a command, in ${PROCESSES} processes. CPU is that of the ` +
        'three servers together.',
      rows,
    },
  ];
}

function isAnyDisconnected(crowd: Crowds) {
  const out = new Set();
  for (const event of crowd.events) {
    if (event.type === 'suspended') out.add(event.number);
    if (event.type === 'resumed' || event.type === 'lost') out.delete(event.number);
  }
  return out.size > 0;
}

/** @returns ms from each release to the grant that followed */
function handoversOf(crowds: Crowds): number[] {
  const released = crowds.timesOf('released').sort((a, b) => a - b);
  const granted = crowds.timesOf('granted').sort((a, b) => a - b);
  return granted.slice(1).map((at, index) => at - (released[index] ?? Number.NaN));
}

async function loadOf(servers: readonly Server[]) {
  const meter = new CpuMeter(servers.map(({ pid }) => pid));
  const [cpu, packets] = [meter.read(), await packetsOf(servers)];
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  return {
    cpu: ((meter.read() - cpu) / IDLE_MS) * 100,
    packets: ((await packetsOf(servers)) - packets) / (IDLE_MS / 1000),
  };
}

/** Number of packets received from clients so far. */
export async function packetsOf(servers: readonly Server[]) {
  const counts = await Promise.all(
    servers.map(async (server) => {
      const report = await server.fourLetter('mntr');
      return Number(/^zk_packets_received\s+(\d+)/m.exec(report)?.[1]);
    }),
  );
  return counts.reduce((a, b) => a + b, 0);
}

async function until(isTrue: () => boolean, boundMs: number) {
  const bound = performance.now() + boundMs;
  while (!isTrue() && performance.now() < bound) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function seconds(since: number) {
  return (performance.now() - since) / 1000;
}

/** Waits for outstanding requests: contenders read the data of their predecessors. */
async function settled() {
  await new Promise((resolve) => setTimeout(resolve, 2000));
}
