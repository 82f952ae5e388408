/** How the faults of one contender are made: on its processes, and on its way to the members. */
import type { FaultProxy } from '../support/fault-proxy.ts';
import { signal } from '../support/process-list.ts';
import type { Contender } from './contender.ts';
import type { NetworkFault, ProcessFault } from './fault.ts';

/** Undoes a fault; undefined: there was nobody to make it on. */
export type Heal = (() => void | Promise<void>) | undefined;

const NOTHING_TO_HEAL = () => {};

export function onProcess(kind: ProcessFault, contender: Contender): Heal {
  switch (kind) {
    case 'lockex killed':
      return contender.kill() ? NOTHING_TO_HEAL : undefined;
    case 'lockex stopped':
      return stopLockex(contender);
    case 'guard stopped':
      return stopGuards(contender);
  }
}

function stopLockex(contender: Contender): Heal {
  contender.noteGuards();
  const { pid } = contender;
  if (!contender.signal('SIGSTOP')) return undefined;
  return () => {
    if (contender.pid === pid) contender.signal('SIGCONT');
  };
}

/** Lockex is to notice that the guard says nothing, and to put another in its place. */
function stopGuards(contender: Contender): Heal {
  const stopped = contender.noteGuards().filter((guard) => signal(guard, 'SIGSTOP'));
  if (stopped.length === 0) return undefined;
  return () => {
    for (const guard of stopped) signal(guard, 'SIGCONT');
  };
}

export async function onNetwork(
  kind: NetworkFault,
  contender: Contender,
  slowByMs: number,
): Promise<Heal> {
  await Promise.all(contender.proxies.map((proxy) => disturb(kind, proxy, slowByMs)));
  return async () => {
    await Promise.all(contender.proxies.map((proxy) => proxy.pass()));
  };
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
      return await proxy.delay(slowByMs);
    case 'stall':
      // Connections that stand would never meet it.
      await proxy.stallNew();
      return proxy.reset();
  }
}
