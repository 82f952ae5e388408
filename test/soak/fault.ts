/** What a fault of the soak is, and what has come of it. Types, and the plan that the seed decides. */
import type { Random } from '../support/random.ts';

/** What is done to one contender's processes. */
const PROCESS_FAULTS = ['lockex killed', 'lockex stopped', 'guard stopped'] as const;
/** What is done on one contender's way to all members. */
const NETWORK_FAULTS = [
  'partition',
  'partition, bytes lost',
  'one way, to servers',
  'one way, to client',
  'reset',
  'delay',
  'stall',
] as const;
/** What is done to the members, or between them. */
const MEMBER_FAULTS = [
  'member killed',
  'member paused',
  'leader killed',
  'leader paused',
  'quorum lost',
  'follower cut off',
] as const;

export type ProcessFault = (typeof PROCESS_FAULTS)[number];
export type NetworkFault = (typeof NETWORK_FAULTS)[number];
export type MemberFault = (typeof MEMBER_FAULTS)[number];
export type FaultKind = ProcessFault | NetworkFault | MemberFault;

export const FAULT_KINDS: readonly FaultKind[] = [
  ...PROCESS_FAULTS,
  ...NETWORK_FAULTS,
  ...MEMBER_FAULTS,
];

/** Members and the ways to them are whole all the while. */
export function isProcessFault(kind: FaultKind): boolean {
  return (PROCESS_FAULTS as readonly FaultKind[]).includes(kind);
}

interface Lasting {
  readonly durationMs: number;
  /** After the fault before it of the same round. */
  readonly delayMs: number;
}

export type PlannedFault = Lasting &
  (
    | {
        readonly on: 'process';
        readonly kind: ProcessFault;
        readonly holder: boolean;
        readonly target: number;
      }
    | {
        readonly on: 'network';
        readonly kind: NetworkFault;
        readonly holder: boolean;
        readonly target: number;
        readonly slowByMs: number;
      }
    // The draw chooses among members in the same role.
    | { readonly on: 'members'; readonly kind: MemberFault; readonly draw: number }
  );

/** A fault that was made, or one that could not be: nobody was there to make it on. */
export interface FaultRecord {
  readonly kind: FaultKind;
  /** Such as `c2`, or `member 1`. */
  readonly target: string;
  /** Microseconds of CLOCK_MONOTONIC. */
  readonly madeAt: number;
  healedAt: number | undefined;
}

/** One fault, or two at once. */
export interface Round {
  readonly faults: readonly [PlannedFault, ...PlannedFault[]];
  /** Quiet after all is healed. */
  readonly pauseMs: number;
}

/** What is named more often is drawn more often. */
const PLACES = ['process', 'process', 'network', 'network', 'members'] as const;
/** Nothing is to be healed after these. */
export const MOMENTARY: readonly FaultKind[] = ['lockex killed', 'reset'];
const ON_MEMBERS = [...MEMBER_FAULTS, 'follower cut off', 'follower cut off'] as const;
const TWO_AT_ONCE = 0.25;
/** Most contenders only wait: who holds the lock is the one that it is about. */
const ON_HOLDER = 0.65;

/** Draws nothing that depends on how the soak goes: the same seed, the same rounds. */
export function planRound(random: Random, contenders: number): Round {
  const first = planFault(random, contenders);
  const faults: [PlannedFault, ...PlannedFault[]] = [first];
  if (random.chance(TWO_AT_ONCE)) {
    let second = planFault(random, contenders);
    while (second.on === first.on) second = planFault(random, contenders);
    faults.push(second);
  }
  return { faults, pauseMs: random.between(300, 2500) };
}

function planFault(random: Random, contenders: number): PlannedFault {
  const on = random.pick(PLACES);
  const lasting = { durationMs: durationOf(random), delayMs: random.between(0, 1500) };
  if (on === 'members') {
    return { on, kind: random.pick(ON_MEMBERS), draw: random.below(6), ...lasting };
  }
  const target = random.below(contenders);
  const holder = random.chance(ON_HOLDER);
  return on === 'process'
    ? { on, kind: random.pick(PROCESS_FAULTS), holder, target, ...lasting }
    : {
        on,
        kind: random.pick(NETWORK_FAULTS),
        holder,
        target,
        slowByMs: random.between(50, 1500),
        ...lasting,
      };
}

/** Some within the session timeout, some around it, some beyond. */
function durationOf(random: Random): number {
  const [low, high] = random.pick([
    [100, 1500],
    [1500, 4500],
    [4500, 9000],
  ]);
  return random.between(low ?? 0, high ?? 0);
}
