/**
 * A random history of requests by several clients, one after the other. After each request every
 * client waits until its server has caught up, so that all answers are determined.
 */
import { type Random, randomOf } from '../../support/random.ts';
import { Op } from '../ensemble/wire/codes.ts';
import {
  createBody,
  multiBody,
  type Operation,
  readBody,
  setDataBody,
  versionedBody,
} from '../support/frames.ts';
import type { Actor } from './actor.ts';
import type { Scenario } from './scenario.ts';

const STEPS = 25;
const NAMES = ['a', 'b', 'a/x', 'a/y', 'b/x', 'a/x/z'] as const;
/** Milliseconds: a busy host makes nothing expire. */
const T = 60_000;

export function randomScenario(seed: number, servers: number): Scenario {
  return {
    name: `history of seed ${seed}`,
    play: async (script, root) => {
      const random = randomOf(seed, 'history');
      const actors: Actor[] = [];
      const connect = async () => {
        const name = `c${actors.length}`;
        actors.push(await script.actor(name).attach(random.below(servers), T));
      };
      /** At any server; the older connection is not used any more. */
      const reattach = async (actor: Actor) => {
        const next = script.actor(`c${actors.length}`);
        actors.push(next);
        await next.attach(random.below(servers), T, actor.session);
        actor.client.close();
        await actor.closed();
      };
      const living = () => actors.filter((actor) => !actor.client.isClosed);
      const catchUp = async () => {
        for (const actor of living()) await actor.barrier();
      };
      for (let count = 0; count < 3; count += 1) await connect();
      await actors[0]?.ask('create the root', Op.create, createBody(root));
      await catchUp();
      for (let step = 0; step < STEPS; step += 1) {
        const choices = living();
        const actor = choices[random.below(choices.length)];
        const dice = random.fraction();
        if (actor === undefined || dice < 0.05) await connect();
        else if (dice < 0.1) await reattach(actor);
        else await askAnything(actor, random, root);
        await catchUp();
      }
      for (const actor of living()) {
        if (!actor.client.isClosed) await actor.ask('close', Op.closeSession);
        await catchUp();
      }
    },
  };
}

async function askAnything(actor: Actor, random: Random, root: string): Promise<void> {
  const path = () => `${root}/${random.pick(NAMES)}`;
  const version = () => random.below(4) - 1;
  const watch = random.chance(0.5);
  switch (random.below(8)) {
    case 0:
    case 1: {
      const [at, mode, data] = [path(), random.below(4), random.chance(0.9) ? 'data' : null];
      const op = random.chance(0.7) ? Op.create : Op.create2;
      await actor.ask(`create ${at} ${mode}`, op, createBody(at, { mode, data }));
      return;
    }
    case 2: {
      const [at, number] = [path(), version()];
      await actor.ask(`delete ${at} ${number}`, Op.delete, versionedBody(at, number));
      return;
    }
    case 3: {
      const [at, number] = [path(), version()];
      await actor.ask(`set ${at} ${number}`, Op.setData, setDataBody(at, 'new', number));
      return;
    }
    case 4: {
      const at = path();
      await actor.ask(`exists ${at} ${watch}`, Op.exists, readBody(at, watch));
      return;
    }
    case 5: {
      const at = path();
      await actor.ask(`read ${at} ${watch}`, Op.getData, readBody(at, watch));
      return;
    }
    case 6: {
      const at = random.chance(0.5) ? root : path();
      await actor.ask(`children ${at} ${watch}`, Op.getChildren2, readBody(at, watch));
      return;
    }
    default: {
      const operations = Array.from({ length: 1 + random.below(4) }, () =>
        anyOperation(random, path(), version()),
      );
      const what = operations.map((each) => `${each.op} ${each.path}`).join(', ');
      await actor.ask(`multi ${what}`, Op.multi, multiBody(operations));
    }
  }
}

function anyOperation(random: Random, path: string, version: number): Operation {
  switch (random.below(4)) {
    case 0:
      return { op: Op.create, path, mode: random.below(4) };
    case 1:
      return { op: Op.delete, path, version };
    case 2:
      return { op: Op.setData, path, data: 'multi', version };
    default:
      return { op: Op.check, path, version };
  }
}
