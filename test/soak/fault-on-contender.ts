/** How the faults of one contender are made: on its processes, and on its way to the members. */
import type { FaultProxy } from '../support/fault-proxy.ts';
import { signal } from '../support/process-list.ts';
import type { Contender } from './contender.ts';
import type { MadeFault, NetworkFault, ProcessFault } from './fault.ts';

const NOTHING_TO_HEAL = () => {};

/** Undefined when the process is not there. */
export function onProcess(kind: ProcessFault, contender: Contender): MadeFault | undefined {
  const heal = healOfProcess(kind, contender);
  return heal && { target: contender.name, heal };
}

function healOfProcess(kind: ProcessFault, contender: Contender): MadeFault['heal'] | undefined {
  switch (kind) {
    case 'lockex killed':
      return contender.kill() ? NOTHING_TO_HEAL : undefined;
    case 'lockex stopped':
      return stopLockex(contender);
    case 'guard stopped':
      return stopGuards(contender);
  }
}

function stopLockex(contender: Contender): MadeFault['heal'] | undefined {
  contender.noteGuards();
  const { pid } = contender;
  if (!contender.signal('SIGSTOP')) return undefined;
  return () => {
    if (contender.pid === pid) contender.signal('SIGCONT');
  };
}

/** Lockex is to notice that the guard does not answer, and to replace it. */
function stopGuards(contender: Contender): MadeFault['heal'] | undefined {
  const stopped = contender.noteGuards().filter((guard) => signal(guard, 'SIGSTOP'));
  if (stopped.length === 0) return undefined;
  return () => {
    for (const guard of stopped) signal(guard, 'SIGCONT');
  };
}

/** `slowByMs`: of one direction; a delay of both takes half of it each. */
export async function onNetwork(
  kind: NetworkFault,
  contender: Contender,
  slowByMs: number,
): Promise<MadeFault | undefined> {
  const proxies = disturbedBy(kind, contender);
  if (proxies.length === 0) return undefined;
  await Promise.all(proxies.map((proxy) => disturb(kind, proxy, slowByMs)));
  return {
    target: contender.name,
    heal: async () => {
      await Promise.all(proxies.map((proxy) => proxy.pass()));
    },
  };
}

function disturbedBy(kind: NetworkFault, { proxies }: Contender): readonly FaultProxy[] {
  if (kind !== 'answers of one member delayed') return proxies;
  return proxies.filter((proxy) => proxy.connections() > 0).slice(0, 1);
}

async function disturb(kind: NetworkFault, proxy: FaultProxy, slowByMs: number): Promise<void> {
  switch (kind) {
    case 'partition':
      return await proxy.blackhole('both');
    case 'partition, bytes lost':
      return await proxy.blackhole('both', { bytes: 'drop' });
    case 'one way, to servers':
      return await proxy.blackhole('toServer');
    case 'one way, to client':
      return await proxy.blackhole('toClient');
    case 'reset':
      return proxy.reset();
    case 'delay':
      return await proxy.delay(slowByMs / 2);
    case 'answers delayed':
    case 'answers of one member delayed':
      return await proxy.delay(slowByMs, 'toClient');
    case 'stall':
      // Open connections would never meet it.
      await proxy.stallNew();
      return proxy.reset();
  }
}
