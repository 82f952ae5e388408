/**
 * One history: an ensemble, contenders, rounds of faults, then peace in which every contender has
 * to make progress. Everything follows from the seed.
 */
import { type Random, randomOf } from '../../support/random.ts';
import { SimulatedContender } from '../contender/contender.ts';
import type { Execution } from '../contender/execution.ts';
import { hostOf } from '../ensemble/config.ts';
import type { Version } from '../ensemble/version.ts';
import { World } from '../support/world.ts';
import { Checks, type LockKind } from './checks.ts';
import { FAMILIES, FAMILY_NAMES, type FamilyName, type Stage } from './families.ts';

export interface HistoryResult {
  readonly seed: number;
  readonly kind: LockKind;
  readonly events: number;
  readonly grants: number;
  readonly faults: readonly FamilyName[];
  readonly violations: readonly string[];
  /** The newest lines of the trace. */
  readonly trace: readonly string[];
  /** Of the trace: the same for the same seed. */
  readonly hash: string;
  readonly worst: WorstCases;
}

/** Milliseconds, and packets. */
export interface WorstCases {
  /** The least that was left of a lease when its command had ended. */
  readonly leastLeftMs: number;
  /** From the end of all faults until every contender had run a command. */
  readonly progressMs: number;
  /** Packets that one contender wrote in one second. */
  readonly writesInSecond: number;
}

const ROUNDS = 3;
/** The families that lead to answers which prove nothing: drawn more often. */
const STALE_ANSWERS: [FamilyName, ...FamilyName[]] = [
  ...(['slowThenCut', 'heldBack', 'staleHandshake', 'slowAnswers'] as const),
];
/** After the faults, every contender runs a command within this, of simulated time. */
const PROGRESS_MS = 120_000;
/** A contender writes fewer packets in each second. */
const MAX_WRITES = 400;
/** Drift of each host, so that two of them differ by 0.2 % at most. */
const DRIFT = 0.001;

export async function runHistory(seed: number, traceLines = 0): Promise<HistoryResult> {
  const random = randomOf(seed, 'history');
  const timeoutMs = random.pick([3000, 4000, 6000, 9000]);
  const version: Version = random.pick(['3.4', '3.8', '3.9']);
  const world = await World.begin({
    ...{ seed, version, traceLines, participants: 3, observers: random.below(2) },
    tickMs: random.pick([500, 1500]),
    maxSessionTimeoutMs: 20_000,
    ownMaxSessionTimeoutMs: drawMaxTimeouts(random, timeoutMs),
    syncLimit: random.pick([4, 10, 20]),
  });
  const kind: LockKind = random.pick(['exclusive', 'exclusive', 'semaphore', 'shared']);
  const permits = kind === 'semaphore' ? 2 : 1;
  const isShared = ({ host }: Execution) => kind === 'shared' && host.name !== 'c1';
  const { simulation } = world;
  const checks = new Checks(simulation, { permits, isShared });
  const waiting = new Set<string>();
  let maxRunMs = 3 * timeoutMs;
  const count = 2 + random.below(3);
  const contenders = Array.from({ length: count }, (_, at) => {
    const name = `c${at + 1}`;
    return new SimulatedContender({
      network: world.network,
      ...{ name, timeoutMs, killAfterMs: random.pick([200, 500, 5000]) },
      hosts: world.ensemble.members.map(({ id }) => hostOf(id)),
      lock: {
        ...{ id: 'job', path: 'lockex', recipe: 'kazoo', concurrent: permits },
        shared: kind === 'shared' && at > 0,
      },
      maxRunMs: () => maxRunMs,
      events: {
        onBegun: (execution) => {
          waiting.delete(name);
          checks.begun(execution);
        },
        onEnded: (execution) => checks.ended(execution),
      },
      onViolation: (message) => checks.violate(message),
    });
  });
  for (const { host } of [...contenders, ...world.ensemble.members]) {
    host.setClockRate(random.between(1 - DRIFT, 1 + DRIFT));
  }
  for (const contender of contenders) contender.start();
  const writes = countWrites(world, contenders, checks);

  const stage: Stage = { world, contenders, checks, random, timeoutMs };
  const faults: FamilyName[] = [];
  await world.pass(random.between(200, 2 * timeoutMs));
  for (let round = 0; round < ROUNDS && checks.violations.length === 0; round += 1) {
    for (let left = 2 + random.below(2); left > 0; left -= 1) {
      const name = random.pick<FamilyName>(random.chance(0.3) ? STALE_ANSWERS : FAMILY_NAMES);
      faults.push(name);
      simulation.trace.note(simulation.now, 'fault', name);
      FAMILIES[name](stage);
      await world.pass(random.between(0, timeoutMs / 2));
    }
    await world.pass(random.between(timeoutMs, 3 * timeoutMs));
  }

  // Faults that were drawn last may still begin.
  await world.pass(2 * timeoutMs + 12_000);
  world.faults.heal();
  maxRunMs = 300;
  for (const { name } of contenders) waiting.add(name);
  const healedAt = simulation.now;
  const isOver = () => waiting.size === 0 || checks.violations.length > 0;
  await simulation.run(PROGRESS_MS, isOver);
  if (!isOver()) checks.violate(`no progress of ${[...waiting].join(', ')}`);
  return {
    ...{ seed, kind, faults, grants: checks.grants, events: simulation.events },
    violations: checks.violations,
    trace: checks.trace.slice(-traceLines || Number.POSITIVE_INFINITY),
    hash: simulation.trace.hash,
    worst: {
      leastLeftMs: checks.leastLeftMs,
      progressMs: simulation.now - healedAt,
      writesInSecond: writes.max,
    },
  };
}

/** In some ensembles, the servers grant different session timeouts. */
function drawMaxTimeouts(random: Random, timeoutMs: number): number[] {
  if (random.chance(0.6)) return [];
  return Array.from({ length: 4 }, () => random.pick([20_000, Math.max(3000, timeoutMs / 2)]));
}

/** Checks each second that no contender floods its servers. */
function countWrites(
  { simulation }: World,
  contenders: readonly SimulatedContender[],
  checks: Checks,
): { max: number } {
  const result = { max: 0 };
  const look = () => {
    for (const contender of contenders) {
      result.max = Math.max(result.max, contender.writes);
      if (contender.writes > MAX_WRITES) {
        checks.violate(`${contender.name} wrote ${contender.writes} packets in a second`);
      }
      contender.writes = 0;
    }
    simulation.schedule(1000, look);
  };
  simulation.schedule(1000, look);
  return result;
}
