/**
 * The same scenarios on simulated and on real servers: the same answers, error codes, zxids, events
 * and ends of connections, in the same order.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ensemble, type Server, startEnsemble, startServer } from '../../support/zookeeper.ts';
import { World } from '../support/world.ts';
import { Script } from './actor.ts';
import { randomScenario } from './random-scenario.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { MOVES, SESSIONS } from './session-scenarios.ts';
import type { Stage } from './stage.ts';
import { membersOf, realStage, simulatedStage } from './stages.ts';

/** Random histories for each kind of server; more by `LOCKEX_HISTORIES`. */
const HISTORIES = Number(process.env['LOCKEX_HISTORIES'] ?? 12);
const FIRST_SEED = Number(process.env['LOCKEX_SEED'] ?? 1);
const MAX_TIMEOUT_MS = 60_000;
const seeds = Array.from({ length: HISTORIES }, (_, at) => FIRST_SEED + at);

/** Both stages use the same root, so that answers have the same length. */
let plays = 0;

async function compare(scenario: Scenario, simulated: Stage, real: Stage): Promise<void> {
  plays += 1;
  const root = `/play-${String(plays).padStart(6, '0')}`;
  const lines = async (stage: Stage) => {
    const script = new Script(stage);
    try {
      await scenario.play(script, root);
    } catch (error) {
      const last = script.lines.slice(-12).join('\n');
      throw new Error(`${scenario.name}: ${error}, after\n${last}`, { cause: error });
    }
    return script.lines;
  };
  const [actual, expected] = [await lines(simulated), await lines(real)];
  expect(actual, scenario.name).toEqual(expected);
  expect(actual.length).toBeGreaterThan(0);
}

describe('one server', () => {
  let server: Server;
  let world: World;
  beforeAll(async () => {
    server = await startServer({ tickTime: 500, maxSessionTimeout: MAX_TIMEOUT_MS });
    world = await World.begin({
      participants: 1,
      version: '3.8',
      maxSessionTimeoutMs: MAX_TIMEOUT_MS,
    });
  });
  afterAll(() => server.stop());

  it.each([...SCENARIOS, ...SESSIONS])('$name', async (scenario) => {
    await compare(scenario, simulatedStage(world), realStage([server]));
  });

  it(`${HISTORIES} random histories`, { timeout: 60_000 + 2000 * HISTORIES }, async () => {
    for (const seed of seeds) {
      await compare(randomScenario(seed, 1), simulatedStage(world), realStage([server]));
    }
  });
});

describe('an ensemble of three', () => {
  let ensemble: Ensemble;
  let servers: readonly Server[];
  let world: World;
  beforeAll(async () => {
    ensemble = await startEnsemble({
      ...{ tickTime: 500, initLimit: 20, syncLimit: 60 },
      maxSessionTimeout: MAX_TIMEOUT_MS,
    });
    servers = await membersOf(ensemble);
    world = await World.begin({
      participants: 3,
      version: '3.8',
      syncLimit: 60,
      maxSessionTimeoutMs: MAX_TIMEOUT_MS,
    });
  });
  afterAll(() => ensemble.stop());

  it.each([...SCENARIOS, ...SESSIONS, ...MOVES])('$name', async (scenario) => {
    await compare(scenario, simulatedStage(world), realStage(servers));
  });

  it(`${HISTORIES} random histories`, { timeout: 60_000 + 4000 * HISTORIES }, async () => {
    for (const seed of seeds) {
      await compare(randomScenario(seed, 3), simulatedStage(world), realStage(servers));
    }
  });
});
