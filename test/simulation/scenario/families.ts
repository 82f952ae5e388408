/**
 * Families of faults. Each draws its times and places, begins at once, and ends by itself after a
 * while; two or three of them overlap in a round.
 */
import type { Random } from '../../support/random.ts';
import type { SimulatedContender } from '../contender/contender.ts';
import type { Member } from '../ensemble/member.ts';
import type { SimulatedProcess } from '../kernel/process.ts';
import type { Traffic } from '../network/network.ts';
import type { World } from '../support/world.ts';
import type { Checks } from './checks.ts';

export interface Stage {
  readonly world: World;
  readonly contenders: readonly SimulatedContender[];
  readonly checks: Checks;
  readonly random: Random;
  /** The session timeout; milliseconds. */
  readonly timeoutMs: number;
}

type Family = (stage: Stage) => void;

const SERVERS: readonly Traffic[] = ['quorum', 'election', 'observer'];

export const FAMILIES = {
  /** Slow, then nothing upstream, while clients reach the follower. */
  slowThenCut: (stage) => {
    const { world, random, timeoutMs } = stage;
    const { member, leader, contender } = placeOf(stage);
    if (leader === null || member === leader) return;
    const traffic = ['quorum', 'observer'] as const;
    const slowMs = random.between(50, timeoutMs / 3);
    const delay = { minMs: slowMs * 0.9, maxMs: slowMs };
    const [from, to] = random.chance(0.5) ? [leader, member] : [member, leader];
    world.faults.slow(from, to, delay, traffic);
    const cutAfterMs = random.between(slowMs, timeoutMs);
    const cutForMs = random.between(timeoutMs / 2, timeoutMs * 1.6);
    const staysWith = random.chance(0.7) ? member : null;
    after(stage, cutAfterMs, () => {
      world.faults.cut(member, leader, traffic);
      if (random.chance(0.8)) cutOff(stage, contender, staysWith, cutForMs);
    });
    after(stage, cutAfterMs + cutForMs, () => {
      world.faults.pass(member, leader, traffic);
      world.faults.pass(leader, member, traffic);
    });
  },

  /** The answer to an earlier handshake completes a later one, which the leader never gets. */
  staleHandshake: (stage) => {
    const { world, random, timeoutMs } = stage;
    const { member, leader, contender } = placeOf(stage);
    if (leader === null || member === leader) return;
    const traffic = ['quorum', 'observer'] as const;
    const slowMs = random.between(timeoutMs / 20, timeoutMs / 4);
    const forMs = slowMs + random.between(timeoutMs, timeoutMs * 1.6);
    world.faults.slow(member, leader, { minMs: slowMs, maxMs: slowMs }, traffic);
    cutOff(stage, contender, member, forMs);
    const firstMs = random.between(0, timeoutMs / 10);
    after(stage, firstMs, () => world.faults.reset(contender.name, member));
    const secondMs = firstMs + slowMs * random.between(0.3, 0.95);
    after(stage, secondMs, () => world.faults.reset(contender.name, member));
    const cutMs = firstMs + slowMs * random.between(1, 1.2);
    after(stage, cutMs, () => world.faults.cut(member, leader, traffic));
    after(stage, forMs, () => world.faults.pass(member, leader, traffic));
  },

  /** A handshake whose answers travel slowly, then nothing: a lease counts from its sending. */
  slowAnswers: (stage) => {
    const { world, random, timeoutMs } = stage;
    const { contender, member } = placeOf(stage);
    const slowMs = random.between(timeoutMs / 20, timeoutMs / 5);
    for (const each of world.ensemble.members) {
      world.faults.slow(each, contender.name, { minMs: slowMs * 0.9, maxMs: slowMs });
    }
    world.faults.reset(contender.name, member);
    const forMs = random.between(timeoutMs, timeoutMs * 1.6);
    after(stage, slowMs * random.between(1, 5), () => cutOff(stage, contender, null, forMs));
  },

  /** A stale answer: held back, the client attaches elsewhere or again, delivered late. */
  heldBack: (stage) => {
    const { world, random, timeoutMs } = stage;
    const { member, leader, contender } = placeOf(stage);
    const isInside = leader !== null && leader !== member && random.chance(0.6);
    const [from, to] = isInside ? [leader, member] : [member, contender.name];
    if (from === null) return;
    world.faults.cut(from, to);
    if (isInside) {
      // The client comes back to the same follower, whose old answers are still under way.
      for (const each of stage.contenders) {
        after(stage, random.between(10, timeoutMs / 4), () =>
          world.faults.reset(each.name, member),
        );
      }
    }
    after(stage, random.between(50, timeoutMs), () => world.faults.pass(from, to));
  },

  resetMidway: (stage) => {
    const { world, random } = stage;
    for (let time = 0; time < 4; time += 1) {
      const contender = pick(random, stage.contenders);
      const { member } = memberOf(stage, contender);
      after(stage, random.between(0, 3000), () => {
        if (random.chance(0.3)) return world.faults.reset(contender.name, member);
        const [from, to] = random.chance(0.7) ? [member, contender.name] : [contender.name, member];
        world.faults.resetMidway(from, to);
      });
    }
  },

  /** The answers of a server are lost from some moment on: each request may be the last. */
  lostAnswers: (stage) => {
    const { world, random, timeoutMs } = stage;
    const contender = pick(random, stage.contenders);
    const { member } = memberOf(stage, contender);
    after(stage, random.between(0, 2000), () => {
      world.faults.cut(member, contender.name);
      after(stage, random.between(1, timeoutMs / 2), () => {
        world.faults.reset(contender.name, member);
        world.faults.pass(member, contender.name);
      });
    });
  },

  cutContender: (stage) => {
    const { random, timeoutMs } = stage;
    const { contender } = placeOf(stage);
    cutOff(stage, contender, null, random.between(100, timeoutMs * 1.7));
  },

  pauseServer: (stage) => {
    const { random, timeoutMs } = stage;
    const member = pick(random, stage.world.ensemble.members);
    if (member.state !== 'down') pause(stage, member.process, random.between(50, timeoutMs * 1.3));
  },

  /** SIGSTOP of lockex; or of its guard, but not of both at once. */
  pauseContender: (stage) => {
    const { random, timeoutMs } = stage;
    const contender = stage.contenders[0];
    const process = random.chance(0.7) ? contender?.process : contender?.guardProcess;
    if (process && isWhole(contender)) pause(stage, process, random.between(50, timeoutMs * 1.5));
  },

  /**
   * The guard reads a deadline late, and lockex sends no other: within the deadline that the guard
   * has, for nothing protects a command whose lockex and guard are both stopped for longer.
   */
  starveGuard: (stage) => {
    const { random, timeoutMs } = stage;
    const contender = stage.contenders[0];
    const [lockex, guard] = [contender?.process, contender?.guardProcess];
    const forMs = random.between(timeoutMs / 10, timeoutMs / 4);
    if (!lockex || !guard || !isWhole(contender)) return;
    if (contender.guardLeftMs < forMs + 100) return;
    pause(stage, guard, forMs);
    after(stage, random.between(0, forMs), () => pause(stage, lockex, 1.5 * timeoutMs));
  },

  crashServer: (stage) => {
    const { random } = stage;
    const member = pick(random, stage.world.ensemble.members);
    member.kill();
    after(stage, random.between(100, 6000), () => member.start());
  },

  crashContender: (stage) => {
    const { random } = stage;
    // Not the one that is paused: then neither lockex nor its guard would be left.
    const contender = stage.contenders.at(-1);
    if (random.chance(0.5)) contender?.kill(random.between(10, 3000));
    else contender?.terminate();
  },

  stallDisk: (stage) => {
    const { random } = stage;
    const member = pick(random, stage.world.ensemble.members);
    member.stallDisk(random.between(100, 5000));
  },

  leaderChange: (stage) => {
    const { world, random } = stage;
    const leader = world.ensemble.leaders[0];
    if (leader === undefined) return;
    if (random.chance(0.4)) {
      leader.kill();
      after(stage, random.between(100, 5000), () => leader.start());
      return;
    }
    world.faults.isolate(leader);
    after(stage, random.between(1000, 12_000), () => {
      for (const other of world.ensemble.members) {
        world.faults.pass(leader, other, SERVERS);
        world.faults.pass(other, leader, SERVERS);
      }
    });
  },

  /** Wall clocks jump; the clock of leases has its drift and its steps of 10 ms at all times. */
  setClock: ({ contenders, random }) => {
    pick(random, contenders).host.stepWallClock(random.between(-8000, 8000));
  },

  suspendHost: (stage) => {
    const { random, timeoutMs, checks } = stage;
    const { host } = stage.contenders[0] ?? pick(random, stage.contenders);
    host.suspend();
    after(stage, random.between(100, timeoutMs * 1.5), () => {
      checks.woken(host);
      host.wake();
    });
  },
} as const satisfies Readonly<Record<string, Family>>;

export type FamilyName = keyof typeof FAMILIES;

export const FAMILY_NAMES = Object.keys(FAMILIES) as [FamilyName, ...FamilyName[]];

/** Neither lockex nor its guard is stopped: with both stopped, nothing protects the command. */
function isWhole(contender: SimulatedContender | undefined): contender is SimulatedContender {
  if (contender === undefined) return false;
  return [contender.process, contender.guardProcess].every((each) => each?.isRunning !== false);
}

function after({ world }: Stage, delayMs: number, run: () => void): void {
  world.simulation.schedule(delayMs, run);
}

function pause(stage: Stage, process: SimulatedProcess, forMs: number): void {
  stage.world.faults.pause(process);
  after(stage, forMs, () => stage.world.faults.resume(process));
}

function pick<T>(random: Random, from: readonly T[]): T {
  const one = from[random.below(from.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}

/** Cuts a contender off from all servers but one, in one direction or in both. */
function cutOff(
  stage: Stage,
  contender: SimulatedContender,
  except: Member | null,
  forMs: number,
): void {
  const { faults, ensemble } = stage.world;
  const others = ensemble.members.filter((member) => member !== except);
  const isOneWay = stage.random.chance(0.5);
  for (const member of others) {
    if (isOneWay) faults.cut(contender.name, member);
    else faults.cutBoth(contender.name, member);
  }
  after(stage, forMs, () => {
    for (const member of others) {
      faults.pass(contender.name, member);
      faults.pass(member, contender.name);
    }
  });
}

interface StagePlace {
  readonly contender: SimulatedContender;
  /** The server of that contender. */
  readonly member: Member;
  readonly leader: Member | null;
}

/** A contender, more often than not one whose command runs. */
function placeOf(stage: Stage): StagePlace {
  const { random, contenders, world } = stage;
  const holders = contenders.filter(({ mayRun }) => mayRun);
  const isHolder = holders.length > 0 && random.chance(0.8);
  const contender = pick(random, isHolder ? holders : contenders);
  const leader = world.ensemble.leaders[0] ?? null;
  return { contender, leader, ...memberOf(stage, contender) };
}

function memberOf({ world, random }: Stage, contender: SimulatedContender): { member: Member } {
  const { members } = world.ensemble;
  const attached = members.find(({ host }) => host.name === contender.server);
  return { member: attached ?? pick(random, members) };
}
