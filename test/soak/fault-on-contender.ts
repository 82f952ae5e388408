/**
 * Injects faults into one contender: into its processes, and into its connections to the members.
 */
import type { FaultProxy } from '../support/fault-proxy.ts';
import { signal } from '../support/process-list.ts';
import type { Contender } from './contender.ts';
import type { InjectedFault, NetworkFault, ProcessFault } from './fault.ts';

const NOTHING_TO_HEAL = () => {};

/** Undefined if the process does not exist. */
export function onProcess(kind: ProcessFault, contender: Contender): InjectedFault | undefined {
  const heal = healOfProcess(kind, contender);
  return heal && { target: contender.name, heal };
}

function healOfProcess(
  kind: ProcessFault,
  contender: Contender,
): InjectedFault['heal'] | undefined {
  switch (kind) {
    case 'lockex killed':
      return contender.kill() ? NOTHING_TO_HEAL : undefined;
    case 'lockex stopped':
      return stopLockex(contender);
    case 'guard stopped':
      return stopGuards(contender);
  }
}

function stopLockex(contender: Contender): InjectedFault['heal'] | undefined {
  contender.noteGuards();
  const { pid } = contender;
  if (!contender.signal('SIGSTOP')) return undefined;
  return () => {
    if (contender.pid === pid) contender.signal('SIGCONT');
  };
}

/** lockex must notice that the guard does not answer, and replace it. */
function stopGuards(contender: Contender): InjectedFault['heal'] | undefined {
  const stopped = contender.noteGuards().filter((guard) => signal(guard, 'SIGSTOP'));
  if (stopped.length === 0) return undefined;
  return () => {
    for (const guard of stopped) signal(guard, 'SIGCONT');
  };
}

/** `slowByMs`: delay of one direction; a fault of both directions delays each by half. */
export async function onNetwork(
  kind: NetworkFault,
  contender: Contender,
  slowByMs: number,
): Promise<InjectedFault | undefined> {
  const proxies = affectedProxies(kind, contender);
  if (proxies.length === 0) return undefined;
  await Promise.all(proxies.map((proxy) => inject(kind, proxy, slowByMs)));
  return {
    target: contender.name,
    heal: async () => {
      await Promise.all(proxies.map((proxy) => proxy.pass()));
    },
  };
}

function affectedProxies(kind: NetworkFault, { proxies }: Contender): readonly FaultProxy[] {
  if (kind !== 'answers of one member delayed') return proxies;
  return proxies.filter((proxy) => proxy.connections() > 0).slice(0, 1);
}

async function inject(kind: NetworkFault, proxy: FaultProxy, slowByMs: number): Promise<void> {
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
      // Affects only new connections, so the open ones are reset.
      await proxy.stallNew();
      return proxy.reset();
  }
}
