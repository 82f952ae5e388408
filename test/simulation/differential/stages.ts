/** The two kinds of stages. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ensemble, Server } from '../../support/zookeeper.ts';
import { RawClient } from '../support/raw-client.ts';
import type { World } from '../support/world.ts';
import type { Stage } from './stage.ts';

/** Milliseconds after which an answer counts as missing. */
const BOUND_MS = 30_000;
const NUDGE_MS = 500;

export function simulatedStage(world: World): Stage {
  const { ensemble } = world;
  const servers = [ensemble.leader, ...ensemble.followers];
  return {
    servers: servers.length,
    connect: (at) => {
      const server = servers[at];
      if (server === undefined) throw new Error(`no server ${at}`);
      return world.connect(server);
    },
    settle: (promise, what) => world.simulation.wait(promise, what, BOUND_MS),
    pass: (ms) => world.pass(ms),
  };
}

export function realStage(servers: readonly Server[]): Stage {
  return {
    servers: servers.length,
    connect: (at) => {
      const server = servers[at];
      if (server === undefined) throw new Error(`no server ${at}`);
      return new RawClient(connect({ host: server.host, port: server.port, noDelay: true }));
    },
    settle: async (promise, what, nudge = () => {}) => {
      const nudges = setInterval(nudge, NUDGE_MS);
      const bound = new AbortController();
      const tooLate = sleep(BOUND_MS, undefined, { signal: bound.signal }).then(() => {
        throw new Error(`${what}: not within ${BOUND_MS} ms`);
      });
      tooLate.catch(() => {});
      try {
        return await Promise.race([promise, tooLate]);
      } finally {
        clearInterval(nudges);
        bound.abort();
      }
    },
    pass: (ms) => sleep(ms),
  };
}

/** The leader first. */
export async function membersOf(ensemble: Ensemble): Promise<readonly Server[]> {
  return [await ensemble.leader(), ...(await ensemble.followers())];
}
